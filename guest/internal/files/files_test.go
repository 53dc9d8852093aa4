package files

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/fault"
	"bulkhead.dev/guest/internal/identity"
	"bulkhead.dev/guest/internal/metadata"
)

type fixture struct {
	t      *testing.T
	url    string
	folder string
	ids    *identity.Store
}

func newFixture(t *testing.T) *fixture {
	ids := identity.NewStore(identity.Identity{User: strconv.Itoa(os.Getuid())})
	mux := http.NewServeMux()
	NewService(ids).Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &fixture{t, server.URL, t.TempDir(), ids}
}

func (f *fixture) path(name string) string { return filepath.Join(f.folder, name) }

func (f *fixture) put(name, content string) string {
	f.t.Helper()
	if err := os.WriteFile(f.path(name), []byte(content), 0o644); err != nil {
		f.t.Fatal(err)
	}
	return f.path(name)
}

func (f *fixture) do(method string, query url.Values, body io.Reader, headers ...string) (*http.Response, []byte) {
	f.t.Helper()
	request, err := http.NewRequest(method, f.url+"/files?"+query.Encode(), body)
	if err != nil {
		f.t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return answer, content
}

func at(path string) url.Values { return url.Values{"path": {path}} }

func TestDownload(t *testing.T) {
	f := newFixture(t)
	path := f.put("a file 🚢.bin", "0123456789")
	for _, c := range []struct {
		headers []string
		status  int
		body    string
	}{
		{nil, 200, "0123456789"},
		{[]string{"Range", "bytes=2-4"}, 206, "234"},
		{[]string{"Range", "bytes=-3"}, 206, "789"},
		{[]string{"Range", "bytes=20-"}, 416, "invalid range: failed to overlap\n"},
		{[]string{"Range", "bytes=0-1", "Accept-Encoding", "gzip"}, 206, "01"},
	} {
		if answer, body := f.do("GET", at(path), nil, c.headers...); answer.StatusCode != c.status || string(body) != c.body {
			t.Errorf("%v: %d %q", c.headers, answer.StatusCode, body)
		}
	}
	answer, body := f.do("GET", at(path), nil, "Accept-Encoding", "br, gzip;q=0.5")
	if answer.Header.Get("Content-Encoding") != "gzip" || unzip(t, body) != "0123456789" {
		t.Errorf("gzip: %v %q", answer.Header, body)
	}
	if answer, _ := f.do("GET", at(path), nil, "Accept-Encoding", "gzip;q=0"); answer.Header.Get("Content-Encoding") != "" {
		t.Error("compressed for a client that refuses it")
	}
	if answer, _ := f.do("GET", at(f.put("empty", "")), nil, "Accept-Encoding", "gzip"); answer.ContentLength != 0 || answer.Header.Get("Content-Length") != "0" {
		t.Errorf("empty file: %v", answer.Header)
	}
}

func unzip(t *testing.T, data []byte) string {
	t.Helper()
	from, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestWhatCannotBeDownloaded(t *testing.T) {
	f := newFixture(t)
	pipe := f.path("pipe")
	if err := unix.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	secret := f.put("secret", "root's")
	if err := os.Chmod(secret, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		query  url.Values
		status int
	}{
		{"missing", at(f.path("none")), 404},
		{"a folder", at(f.folder), 400},
		{"below a file", at(secret + "/x"), 400},
		{"a pipe", at(pipe), 400},
		{"a device", at("/dev/zero"), 400},
		{"NUL", at("a\x00b"), 400},
		{"no such user", url.Values{"path": {secret}, "username": {"no-such-user"}}, 401},
		{"somebody else's", url.Values{"path": {secret}, "username": {"nobody"}}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.status == 403 && os.Getuid() != 0 {
				t.Skip("other users need root")
			}
			answer, content := f.do("GET", c.query, nil)
			var body fault.Body
			if err := json.Unmarshal(content, &body); err != nil || answer.StatusCode != c.status || body.Code != c.status || body.Message == "" {
				t.Errorf("%d %s", answer.StatusCode, content)
			}
		})
	}
}

func multipartOf(t *testing.T, files ...[2]string) (io.Reader, string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, file := range files {
		part, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {
			fmt.Sprintf(`form-data; name="file"; filename="%s"`, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(file[0]))}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, file[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return &body, form.FormDataContentType()
}

func TestUploadMultipart(t *testing.T) {
	f := newFixture(t)
	one, two := f.path("new/folder/one"), f.path(`tw"o 🚢`)
	body, contentType := multipartOf(t, [2]string{one, "first"}, [2]string{two, ""})
	answer, content := f.do("POST", nil, body, "Content-Type", contentType)
	var got []written
	if err := json.Unmarshal(content, &got); err != nil || answer.StatusCode != 200 {
		t.Fatalf("%d %s", answer.StatusCode, content)
	}
	if want := []written{{one, "one", "file", nil}, {two, `tw"o 🚢`, "file", nil}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if data, err := os.ReadFile(one); err != nil || string(data) != "first" {
		t.Errorf("%q %v", data, err)
	}
	body, contentType = multipartOf(t, [2]string{"ignored", "wins"})
	f.do("POST", at(one), body, "Content-Type", contentType)
	if data, _ := os.ReadFile(one); string(data) != "wins" {
		t.Errorf("?path=: %q", data)
	}
}

func TestUploadContentItself(t *testing.T) {
	f := newFixture(t)
	path := f.put("existing", "long content from before")
	if err := os.Chmod(path, 0o751); err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(zip, "short")
	_ = zip.Close()
	answer, content := f.do("POST", at(path), &zipped, "Content-Type", "application/octet-stream", "Content-Encoding", "gzip",
		"X-Metadata-Author", "somebody", "X-Metadata-Two-Words", "x")
	if answer.StatusCode != 200 {
		t.Fatalf("%d %s", answer.StatusCode, content)
	}
	data, _ := os.ReadFile(path)
	info, _ := os.Stat(path)
	if string(data) != "short" || info.Mode().Perm() != 0o751 {
		t.Errorf("%q %v", data, info.Mode())
	}
	want := map[string]string{"author": "somebody", "two-words": "x"}
	if got := metadata.Read(path); !reflect.DeepEqual(got, want) {
		t.Errorf("metadata %v, want %v", got, want)
	}
	f.do("POST", at(path), strings.NewReader("again"), "Content-Type", "application/octet-stream")
	if got := metadata.Read(path); len(got) > 0 {
		t.Errorf("an upload without metadata leaves %v", got)
	}
}

func TestUploadBelongsToTheUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("other users need root")
	}
	f := newFixture(t)
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	path := folder + "/sub/file"
	query := at(path)
	query.Set("username", "nobody")
	if answer, content := f.do("POST", query, strings.NewReader("x")); answer.StatusCode != 200 {
		t.Fatalf("%d %s", answer.StatusCode, content)
	}
	for _, made := range []string{path, filepath.Dir(path)} {
		var stat unix.Stat_t
		if err := unix.Stat(made, &stat); err != nil || stat.Uid != 65534 || stat.Gid != 65534 {
			t.Errorf("%s belongs to %d:%d, %v", made, stat.Uid, stat.Gid, err)
		}
	}
}

func TestWhatCannotBeUploaded(t *testing.T) {
	f := newFixture(t)
	file := f.put("file", "kept")
	pipe := f.path("pipe")
	if err := unix.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	nameless, namelessType := multipartOf(t, [2]string{"", "x"})
	for _, c := range []struct {
		name    string
		path    string
		body    io.Reader
		headers []string
		status  int
	}{
		{"a folder in the way", f.folder, strings.NewReader("x"), nil, 400},
		{"a file in the way", file + "/below", strings.NewReader("x"), nil, 400},
		{"a pipe in the way", pipe, strings.NewReader("x"), nil, 400},
		{"no path", "", strings.NewReader("x"), nil, 400},
		{"a part without a name", "", nameless, []string{"Content-Type", namelessType}, 400},
		{"no gzip", f.path("new"), strings.NewReader("not gzip at all"), []string{"Content-Encoding", "gzip"}, 400},
		{"half a multipart", "", strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + f.path("half") + "\"\r\n\r\nhalf"),
			[]string{"Content-Type", "multipart/form-data; boundary=b"}, 400},
		{"a name too long", f.path(strings.Repeat("n", 256)), strings.NewReader("x"), nil, 400},
		{"a full disk", "/dev/full", strings.NewReader("x"), nil, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			query := url.Values{}
			if c.path != "" {
				query.Set("path", c.path)
			}
			answer, content := f.do("POST", query, c.body, c.headers...)
			if answer.StatusCode != c.status || !json.Valid(content) {
				t.Errorf("%d %s", answer.StatusCode, content)
			}
		})
	}
	found, err := os.ReadDir(f.folder)
	if err != nil || len(found) != 2 {
		t.Errorf("left over: %v %v", found, err)
	}
	if data, _ := os.ReadFile(file); string(data) != "kept" {
		t.Errorf("the file in the way holds %q", data)
	}
}

func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	f := newFixture(t)
	small := f.path("small")
	if err := os.Mkdir(small, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", small, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(small, unix.MNT_DETACH)
	answer, content := f.do("POST", at(small+"/file"), io.LimitReader(zeros{}, 4<<20))
	if answer.StatusCode != http.StatusInsufficientStorage {
		t.Errorf("%d %s", answer.StatusCode, content)
	}
	if _, err := os.Stat(small + "/file"); !os.IsNotExist(err) {
		t.Errorf("half a file stays: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) {
	clear(into)
	return len(into), nil
}

// Files of any size pass in constant memory, both ways.
func TestBigFileInConstantMemory(t *testing.T) {
	f := newFixture(t)
	const size = 512 << 20
	path := f.path("big")
	stop := make(chan struct{})
	most := make(chan uint64)
	go func() {
		var highest uint64
		for {
			select {
			case <-stop:
				most <- highest
				return
			default:
				var memory runtime.MemStats
				runtime.ReadMemStats(&memory)
				highest = max(highest, memory.HeapInuse)
				time.Sleep(5 * time.Millisecond)
			}
		}
	}()
	if answer, content := f.do("POST", at(path), io.LimitReader(zeros{}, size)); answer.StatusCode != 200 {
		t.Fatalf("%d %s", answer.StatusCode, content)
	}
	answer, err := http.Get(f.url + "/files?" + at(path).Encode())
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	close(stop)
	if err != nil || n != size {
		t.Errorf("%d bytes came back: %v", n, err)
	}
	if highest := <-most; highest > 32<<20 {
		t.Errorf("the heap grew to %d bytes", highest)
	}
}

func TestSignature(t *testing.T) {
	got := signature("hello.txt", "read", "user", "0tQG31xiMp0IOQfaz9dcwi72L1CPo8e0", "")
	if want := "v1_gUtH/s9YCJWgCizjfUxuWfhFE4QSydOWEIIvfLwDr6E"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAccess(t *testing.T) {
	f := newFixture(t)
	path := f.put("file", "content")
	const token = "the token"
	f.ids.Set(identity.Identity{User: strconv.Itoa(os.Getuid()), AccessToken: token})
	soon, past := strconv.FormatInt(time.Now().Unix()+1000, 10), strconv.FormatInt(time.Now().Unix()-1, 10)
	for _, c := range []struct {
		name, operation, path, expiration, method string
		headers                                   []string
		status                                    int
	}{
		{"nothing", "", path, "", "GET", nil, 401},
		{"the token", "", path, "", "GET", []string{"X-Access-Token", token}, 200},
		{"another token", "", path, "", "GET", []string{"X-Access-Token", token + "x"}, 401},
		{"signed", "read", path, "", "GET", nil, 200},
		{"signed for a while", "read", path, soon, "GET", nil, 200},
		{"signed for a while that is over", "read", path, past, "GET", nil, 401},
		{"signed for an odd while", "read", path, "soon", "GET", nil, 401},
		{"signed for another path", "read", path + "x", "", "GET", nil, 401},
		{"signed for reading", "read", path, "", "POST", nil, 401},
		{"signed for writing", "write", path, "", "POST", nil, 200},
		// It would be 401 for an unknown user. What is signed is the URL's user; a header must not make another of it, such as root.
		{"signed, and a user in a header", "read", path, "", "GET", []string{"Authorization", "Basic bm9ib2R5LWhlcmU6"}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			query := at(path)
			if c.operation != "" {
				query.Set("signature", signature(c.path, c.operation, "", token, c.expiration))
			}
			if c.expiration != "" {
				query.Set("signature_expiration", c.expiration)
			}
			if answer, content := f.do(c.method, query, nil, c.headers...); answer.StatusCode != c.status {
				t.Errorf("%d %s", answer.StatusCode, content)
			}
		})
	}
}

// Somebody in the guest puts a link to a terminal where a client expects a file. A program that leads a session, as the first process does,
// must not get it as its own: it would end by SIGHUP when that terminal does.
func TestATerminalDoesNotBecomeTheAgentsOwn(t *testing.T) {
	if os.Getenv("FILES_TEST_LEADER") == "" {
		leader := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
		leader.Env = append(os.Environ(), "FILES_TEST_LEADER=1")
		leader.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if output, err := leader.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		return
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer master.Close()
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t)
	terminal := at("/dev/pts/" + strconv.Itoa(number))
	for _, method := range []string{"GET", "POST"} {
		if answer, content := f.do(method, terminal, nil); answer.StatusCode != 400 {
			t.Errorf("%s: %d %s", method, answer.StatusCode, content)
		}
		if own, err := os.OpenFile("/dev/tty", os.O_RDWR, 0); !errors.Is(err, unix.ENXIO) {
			t.Fatalf("after %s there is a terminal of its own: %v, %v", method, own, err)
		}
	}
}

// No signature but the right one is good, whatever else the query holds.
func FuzzVerify(f *testing.F) {
	f.Add("hello.txt", "user", "token", "", "v1_x")
	f.Fuzz(func(t *testing.T, path, user, token, expiration, given string) {
		query := url.Values{"path": {path}, "username": {user}, "signature": {given}, "signature_expiration": {expiration}}
		right := signature(path, reading, user, token, expiration)
		if err := verify(query, reading, token, time.Unix(0, 0)); err == nil && given != right {
			t.Errorf("%q passed for %q", given, right)
		}
		query.Set("signature", right)
		if err := verify(query, writing, token, time.Unix(0, 0)); err == nil {
			t.Error("a signature for reading lets write")
		}
	})
}

// Whatever a part's header says: a path, or a refusal, and never a path with a NUL byte.
func FuzzPartName(f *testing.F) {
	f.Add("form-data; name=\"file\"; filename=\"/a/../b\"")
	f.Add("form-data; name=file; filename*=utf-8''%00")
	f.Fuzz(func(t *testing.T, disposition string) {
		header := "--b\r\nContent-Disposition: " + disposition + "\r\n\r\nx\r\n--b--\r\n"
		part, err := multipart.NewReader(strings.NewReader(header), "b").NextRawPart()
		if err != nil {
			return
		}
		name, err := partPath(part)
		if err == nil && name == "" {
			t.Errorf("%q gives no name and no error", disposition)
		}
	})
}
