package tree

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/fault"
	"bulkhead.dev/guest/internal/identity"
	"bulkhead.dev/guest/internal/users"
)

func self(t *testing.T) *users.User {
	t.Helper()
	user, err := users.Lookup(strconv.Itoa(os.Getuid()))
	if err != nil {
		t.Fatal(err)
	}
	return user
}

func newServer(t *testing.T) string {
	mux := http.NewServeMux()
	NewService(identity.NewStore(identity.Identity{User: strconv.Itoa(os.Getuid())})).Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/tree?path="
}

func get(t *testing.T, address string) (*http.Response, []byte) {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, body
}

func put(t *testing.T, address string, body io.Reader, headers ...string) (int, string) {
	t.Helper()
	request, err := http.NewRequest("PUT", address, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(content)
}

var when = time.Unix(1_000_000_000, 123_456_789)

// awkward makes a folder with everything that a tar stream can hold.
func awkward(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "awkward")
	steps := []error{
		os.MkdirAll(folder+"/sub/empty", 0o755),
		os.WriteFile(folder+"/sub/file", []byte("content"), 0o640),
		os.WriteFile(folder+"/empty", nil, 0o755),
		os.WriteFile(folder+"/name with\nnewline 🚢 "+strings.Repeat("x", 200), []byte("odd"), 0o600),
		os.Link(folder+"/sub/file", folder+"/other name"),
		os.Symlink("/etc/passwd", folder+"/absolute"),
		os.Symlink("../..", folder+"/sub/up"),
		unix.Mkfifo(folder+"/pipe", 0o644),
		unix.Setxattr(folder+"/sub/file", "user.note", []byte("\x00kept"), 0),
		os.Chtimes(folder+"/sub/file", when, when),
		os.Chmod(folder+"/sub", 0o555),
		os.Chtimes(folder+"/sub", when, when),
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	return folder
}

// what describes a tree in a line per entry.
func what(t *testing.T, folder string) string {
	t.Helper()
	var lines strings.Builder
	err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		if err != nil || path == folder {
			return err
		}
		var stat unix.Stat_t
		if err := unix.Lstat(path, &stat); err != nil {
			return err
		}
		fmt.Fprintf(&lines, "%q %o", path[len(folder):], stat.Mode)
		switch stat.Mode & unix.S_IFMT {
		case unix.S_IFLNK:
			target, _ := os.Readlink(path)
			fmt.Fprintf(&lines, " -> %s", target)
		case unix.S_IFREG:
			content, _ := os.ReadFile(path)
			value := make([]byte, 100)
			n, _ := unix.Getxattr(path, "user.note", value)
			fmt.Fprintf(&lines, " %q links %d note %q", content, stat.Nlink, value[:max(n, 0)])
			fallthrough
		default:
			fmt.Fprintf(&lines, " at %d.%d", stat.Mtim.Sec, stat.Mtim.Nsec)
		}
		fmt.Fprintln(&lines)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines.String()
}

func TestThereAndBack(t *testing.T) {
	base, from := newServer(t), awkward(t)
	answer, stream := get(t, base+url.QueryEscape(from))
	if answer.StatusCode != 200 || answer.Trailer.Get(errorTrailer) != "" {
		t.Fatalf("%v %v", answer, answer.Trailer)
	}
	to := filepath.Join(t.TempDir(), "new/folder")
	status, body := put(t, base+url.QueryEscape(to), bytes.NewReader(stream))
	var result Result
	if err := json.Unmarshal([]byte(body), &result); err != nil || status != 200 || result.Entries != 8 || result.Bytes != 10 {
		t.Errorf("%d %s", status, body)
	}
	if err := os.Remove(from + "/pipe"); err != nil { // not carried over
		t.Fatal(err)
	}
	if got, want := what(t, to), what(t, from); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	// Again, over what is there, compressed: the same.
	var zipped bytes.Buffer
	zip := gzip.NewWriter(&zipped)
	_, _ = zip.Write(stream)
	_ = zip.Close()
	if status, body := put(t, base+url.QueryEscape(to), &zipped, "Content-Encoding", "gzip"); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if got, want := what(t, to), what(t, from); got != want {
		t.Errorf("the second time\n%swant\n%s", got, want)
	}
}

func TestASingleFile(t *testing.T) {
	base, from := newServer(t), awkward(t)
	_, stream := get(t, base+url.QueryEscape(from+"/sub/file"))
	header, err := tar.NewReader(bytes.NewReader(stream)).Next()
	if err != nil || header.Name != "file" || header.Size != 7 {
		t.Errorf("%v %v", header, err)
	}
	for path, status := range map[string]int{from + "/none": 404, from + "/pipe": 400} {
		if answer, body := get(t, base+url.QueryEscape(path)); answer.StatusCode != status || !json.Valid(body) {
			t.Errorf("%s: %d %s", path, answer.StatusCode, body)
		}
	}
}

func TestCopy(t *testing.T) {
	from := awkward(t)
	to := filepath.Join(t.TempDir(), "copy")
	if err := Copy(t.Context(), self(t), from, to); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(from + "/pipe"); err != nil {
		t.Fatal(err)
	}
	if got, want := what(t, to), what(t, from); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func archive(t testing.TB, headers ...tar.Header) *bytes.Buffer {
	t.Helper()
	var stream bytes.Buffer
	w := tar.NewWriter(&stream)
	for _, header := range headers {
		content := header.Uname // nobody else needs it
		header.Uname, header.Size = "", int64(len(content))
		if header.Mode == 0 {
			header.Mode = 0o644
		}
		if err := w.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &stream
}

func file(name string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Uname: "unpacked"}
}

func symlink(name, target string) tar.Header {
	return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target}
}

// Nothing outside the folder changes, whatever the stream says.
func TestEscapes(t *testing.T) {
	for name, entries := range map[string][]tar.Header{
		"dots":                      {file("../out")},
		"dots in the middle":        {file("a/../../out")},
		"dots that stay inside":     {file("a/../b")},
		"absolute":                  {file("/out")},
		"through a link up":         {symlink("link", ".."), file("link/out")},
		"through an absolute link":  {symlink("link", "OUTSIDE"), file("link/out")},
		"folder through a link":     {symlink("link", ".."), {Typeflag: tar.TypeDir, Name: "link/out", Mode: 0o755}},
		"hard link to the outside":  {{Typeflag: tar.TypeLink, Name: "link", Linkname: "../kept"}},
		"hard link through a link":  {symlink("link", ".."), {Typeflag: tar.TypeLink, Name: "hard", Linkname: "link/kept"}},
		"device":                    {{Typeflag: tar.TypeChar, Name: "device", Devmajor: 1, Devminor: 5}},
		"pipe":                      {{Typeflag: tar.TypeFifo, Name: "pipe"}},
		"link in place of a folder": {{Typeflag: tar.TypeDir, Name: "a", Mode: 0o755}, symlink("a", ".."), file("a/out")},
		"symlink through a link":    {symlink("link", ".."), symlink("link/out", "x")},
		"file in place of a folder": {{Typeflag: tar.TypeDir, Name: "a", Mode: 0o755}, file("a")},
	} {
		t.Run(name, func(t *testing.T) {
			outside := t.TempDir()
			if err := os.WriteFile(outside+"/kept", []byte("kept"), 0o644); err != nil {
				t.Fatal(err)
			}
			for i := range entries {
				entries[i].Linkname = strings.Replace(entries[i].Linkname, "OUTSIDE", outside, 1)
			}
			status, body := put(t, newServer(t)+url.QueryEscape(outside+"/folder"), archive(t, entries...))
			if status < 400 || status >= 500 || !json.Valid([]byte(body)) {
				t.Errorf("%d %s", status, body)
			}
			found, _ := os.ReadDir(outside)
			kept, _ := os.ReadFile(outside + "/kept")
			if len(found) != 2 || string(kept) != "kept" {
				t.Errorf("outside there is %v, kept: %q", found, kept)
			}
		})
	}
}

func TestAFileIsReplacedNotWrittenInto(t *testing.T) {
	folder := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	if err := errors.Join(os.WriteFile(outside, []byte("kept"), 0o644), os.Symlink(outside, folder+"/link"), os.Link(outside, folder+"/hard")); err != nil {
		t.Fatal(err)
	}
	if status, body := put(t, newServer(t)+url.QueryEscape(folder), archive(t, file("link"), file("hard"))); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	for path, want := range map[string]string{outside: "kept", folder + "/link": "unpacked", folder + "/hard": "unpacked"} {
		if got, _ := os.ReadFile(path); string(got) != want {
			t.Errorf("%s holds %q", path, got)
		}
	}
}

// While a stream is unpacked, somebody swaps a folder for a link to the outside and back, as fast as they can.
func TestSwappedLink(t *testing.T) {
	base := t.TempDir()
	folder, outside := base+"/folder", base+"/outside"
	if err := errors.Join(os.MkdirAll(folder+"/real", 0o755), os.Mkdir(outside, 0o755), os.Symlink(outside, folder+"/link")); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var swapper sync.WaitGroup
	swapper.Go(func() {
		for ctx.Err() == nil {
			_ = unix.Renameat2(unix.AT_FDCWD, folder+"/real", unix.AT_FDCWD, folder+"/link", unix.RENAME_EXCHANGE)
		}
	})
	for i := range 300 {
		stream := archive(t, file("real/"+strconv.Itoa(i)), file("real/deep/"+strconv.Itoa(i)))
		_, err := unpack(t.Context(), self(t), folder, false, stream)
		if err != nil && fault.Code(err) == connect.CodeInternal {
			t.Errorf("an error without a name: %v", err)
		}
		var packed bytes.Buffer
		from, err := open(self(t), folder)
		if err != nil {
			t.Fatal(err)
		}
		_ = pack(t.Context(), self(t), from, &packed) // may find a folder gone
		from.root.Close()
	}
	stop()
	swapper.Wait()
	if found, _ := os.ReadDir(outside); len(found) > 0 {
		t.Errorf("outside there is %v", found)
	}
}

func TestDamagedStreams(t *testing.T) {
	whole := archive(t, file("a"), file("b")).Bytes()
	for name, stream := range map[string][]byte{
		"cut in a header":  whole[:1024+100],
		"cut in a content": whole[:512+3],
		"garbage":          bytes.Repeat([]byte("garbage!"), 200),
	} {
		if status, body := put(t, newServer(t)+url.QueryEscape(t.TempDir()), bytes.NewReader(stream)); status != 400 {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if status, _ := put(t, newServer(t)+url.QueryEscape(t.TempDir()), bytes.NewReader(whole), "Content-Encoding", "gzip"); status != 400 {
		t.Errorf("not gzip: %d", status)
	}
}

func TestAsAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("other users need root")
	}
	base, err := os.MkdirTemp("", "")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	if err := errors.Join(os.Chmod(base, 0o777), os.Mkdir(base+"/roots", 0o700)); err != nil {
		t.Fatal(err)
	}
	as := func(path string) string { return newServer(t) + url.QueryEscape(base+path) + "&username=nobody" }
	setuid := file("program")
	setuid.Mode, setuid.Uid = 0o6755, 1
	if status, body := put(t, as("/theirs"), archive(t, setuid)); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	var stat unix.Stat_t
	if err := unix.Stat(base+"/theirs/program", &stat); err != nil || stat.Uid != 65534 || stat.Mode&0o7777 != 0o755 {
		t.Errorf("uid %d mode %o %v", stat.Uid, stat.Mode, err)
	}
	if status, body := put(t, as("/roots/x"), archive(t, file("a"))); status != 403 {
		t.Errorf("into root's folder: %d %s", status, body)
	}
	if answer, body := get(t, as("/roots")); answer.StatusCode != 403 {
		t.Errorf("out of root's folder: %d %s", answer.StatusCode, body)
	}
	// In the middle, it is too late for a status: the stream is not whole, and says why.
	answer, stream := get(t, as(""))
	if !strings.Contains(answer.Trailer.Get(errorTrailer), "permission denied") {
		t.Errorf("trailer %v", answer.Trailer)
	}
	if bytes.HasSuffix(stream, make([]byte, 1024)) {
		t.Error("the stream has an end marker")
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(archive(f, file("a"), symlink("b", ".."), file("b/c")).Bytes())
	f.Add(archive(f, tar.Header{Typeflag: tar.TypeDir, Name: "d/", Mode: 0o500}, file("d/x")).Bytes())
	f.Fuzz(func(t *testing.T, stream []byte) {
		limitFileSize(t)
		outside, err := os.MkdirTemp("", "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(outside)
		user, err := users.Lookup(strconv.Itoa(os.Getuid()))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = unpack(t.Context(), user, outside+"/folder", false, bytes.NewReader(stream))
		if found, _ := os.ReadDir(outside); len(found) != 1 || !found[0].IsDir() {
			t.Errorf("outside there is %v", found)
		}
	})
}

// limitFileSize: a few bytes of tar can stand for a sparse file of any size.
func limitFileSize(t *testing.T) {
	t.Helper()
	signal.Ignore(unix.SIGXFSZ)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Setrlimit(unix.RLIMIT_FSIZE, &before) })
}
