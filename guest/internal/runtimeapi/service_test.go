package runtimeapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// serve makes DIR/{base,outside}: base/out leads to outside, base/in to base/folder, base/absolute to base/file by its whole path.
func serve(t *testing.T) (base string, server *httptest.Server) {
	t.Helper()
	dir := t.TempDir()
	base = dir + "/base"
	err := errors.Join(os.MkdirAll(base+"/folder", 0o755), os.Mkdir(dir+"/outside", 0o755),
		os.WriteFile(dir+"/outside/secret", []byte("secret"), 0o644), os.WriteFile(base+"/file", []byte("content"), 0o644),
		os.Symlink("../outside", base+"/out"), os.Symlink("folder", base+"/in"), os.Symlink(base+"/file", base+"/absolute"),
		os.Symlink("nowhere", base+"/dangling"), unix.Mkfifo(base+"/pipe", 0o644))
	if err != nil {
		t.Fatal(err)
	}
	server = httptest.NewServer(New(Settings{BaseDir: base, ExecTimeout: time.Minute}))
	t.Cleanup(server.Close)
	return base, server
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSuffix(string(content), "\n")
}

func post(t *testing.T, url, contentType, content string) (status int, body string) {
	t.Helper()
	response, err := http.Post(url, contentType, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSuffix(string(answer), "\n")
}

func form(t *testing.T, filename, content string) (contentType, body string) {
	t.Helper()
	var buffer bytes.Buffer
	writer := multipart.NewWriter(&buffer)
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", fmt.Sprintf(`form-data; name="file"; filename="%s"`, filename))
	part, err := writer.CreatePart(header)
	if err == nil {
		_, err = part.Write([]byte(content))
	}
	if err = errors.Join(err, writer.Close()); err != nil {
		t.Fatal(err)
	}
	return writer.FormDataContentType(), buffer.String()
}

func execute(t *testing.T, server *httptest.Server, request map[string]any) result {
	t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	status, answer := post(t, server.URL+"/execute", "application/json", string(body))
	var got result
	if err := json.Unmarshal([]byte(answer), &got); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	return got
}

const denied = `{"message":"Access denied"}`

func TestRead(t *testing.T) {
	_, server := serve(t)
	for _, c := range []struct {
		path   string
		status int
		body   string // as a prefix
	}{
		{"/", 200, `{"status":"ok","message":"`},
		{"/download/file", 200, "content"},
		{"/download/%2Ffile", 200, "content"},
		{"/download/folder%2F..%2Ffile", 200, "content"},
		{"/download/missing", 404, `{"message":`},
		{"/download/file%2Fbelow", 404, `{"message":`},
		{"/download/folder", 404, `{"message":`},
		{"/download/pipe", 404, `{"message":`},
		{"/download/..%2Foutside%2Fsecret", 403, denied},
		{"/download/../outside/secret", 403, denied},
		{"/download/%2E%2E%2Foutside%2Fsecret", 403, denied},
		{"/download/folder%2F..%2F..%2Foutside%2Fsecret", 403, denied},
		{"/download/out%2Fsecret", 403, denied},
		{"/download/absolute", 403, denied},
		{"/download/file%00", 400, `{"message":`},
		{"/exists/file", 200, `{"path":"file","exists":true}`},
		{"/exists/in", 200, `{"path":"in","exists":true}`},
		{"/exists/folder%2Fmissing", 200, `{"path":"folder/missing","exists":false}`},
		{"/exists/file%2Fbelow", 200, `{"path":"file/below","exists":false}`},
		{"/exists/dangling", 200, `{"path":"dangling","exists":false}`},
		{"/exists/..", 403, denied},
		{"/exists/out%2Fsecret", 403, denied},
		{"/list/missing", 404, `{"message":`},
		{"/list/file", 404, `{"message":`},
		{"/list/out", 403, denied},
		{"/list/..", 403, denied},
		{"/list/folder", 200, `[]`},
		{"/list/in", 200, `[]`},
		{"/other", 404, `{"message":"Not Found"}`},
		{"/download", 404, `{"message":"Not Found"}`},
		{"/execute", 405, `{"message":"Method Not Allowed"}`},
	} {
		if status, body := get(t, server.URL+c.path); status != c.status || !strings.HasPrefix(body, c.body) {
			t.Errorf("%s: %d %s", c.path, status, body)
		}
	}
}

func TestList(t *testing.T) {
	base, server := serve(t)
	at := time.Unix(1_700_000_000, 500_000_000)
	if err := os.Chtimes(base+"/file", at, at); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "%2F", "."} {
		_, body := get(t, server.URL+"/list/"+path)
		var got []entry
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(body)
		}
		types := map[string]string{}
		for _, one := range got {
			types[one.Name] = one.Type
		}
		want := map[string]string{"file": "file", "folder": "directory", "in": "directory", "out": "file", "absolute": "file",
			"dangling": "file", "pipe": "file"}
		if fmt.Sprint(types) != fmt.Sprint(want) {
			t.Errorf("%q: %v", path, types)
		}
		at := slices.IndexFunc(got, func(one entry) bool { return one.Name == "file" })
		if got[at].Size != 7 || got[at].ModTime != 1_700_000_000.5 {
			t.Errorf("%+v", got[at])
		}
	}
}

func TestUpload(t *testing.T) {
	base, server := serve(t)
	for _, c := range []struct {
		filename string
		status   int
		at       string
	}{
		{"new", 200, "new"},
		{"a/b/c d ü", 200, "a/b/c d ü"},
		{"/rooted", 200, "rooted"},
		{"in/through", 200, "folder/through"},
		{"file", 200, "file"},
		{"dangling", 200, "dangling"},
		{"../outside/made", 403, ""},
		{"out/made", 403, ""},
		{"folder", 400, ""},
		{"file/below", 400, ""},
		{".", 400, ""},
	} {
		contentType, body := form(t, c.filename, "content of "+c.filename)
		status, answer := post(t, server.URL+"/upload", contentType, body)
		if status != c.status || !strings.HasPrefix(answer, `{"message":`) {
			t.Errorf("%s: %d %s", c.filename, status, answer)
		}
		if c.at == "" {
			continue
		}
		if content, err := os.ReadFile(filepath.Join(base, c.at)); string(content) != "content of "+c.filename {
			t.Errorf("%s: %q %v", c.filename, content, err)
		}
	}
	if found, _ := os.ReadDir(base + "/../outside"); len(found) != 1 {
		t.Errorf("outside: %v", found)
	}
	drafts, _ := filepath.Glob(base + "/.upload-*")
	if below, _ := filepath.Glob(base + "/*/.upload-*"); len(drafts)+len(below) > 0 {
		t.Errorf("left: %v %v", drafts, below)
	}
}

func TestUploadKeepsTheModeOfAProgram(t *testing.T) {
	base, server := serve(t)
	if err := os.WriteFile(base+"/program", nil, 0o755); err != nil {
		t.Fatal(err)
	}
	contentType, body := form(t, "program", "#!/bin/sh\necho done\n")
	post(t, server.URL+"/upload", contentType, body)
	if got := execute(t, server, map[string]any{"command": "./program"}); got.Stdout != "done\n" {
		t.Errorf("%+v", got)
	}
}

func TestUploadThatEndsEarlyLeavesTheOldContent(t *testing.T) {
	base, server := serve(t)
	contentType, body := form(t, "file", strings.Repeat("x", 1<<20))
	status, answer := post(t, server.URL+"/upload", contentType, body[:1<<19])
	if status != http.StatusBadRequest {
		t.Errorf("%d %s", status, answer)
	}
	found, _ := filepath.Glob(base + "/.upload-*")
	if content, _ := os.ReadFile(base + "/file"); string(content) != "content" || len(found) > 0 {
		t.Errorf("%q, left %v", content, found)
	}
}

func TestUploadThatIsNone(t *testing.T) {
	_, server := serve(t)
	contentType, body := form(t, "", "x")
	for contentType, body := range map[string]string{"text/plain": "x", contentType: body, "multipart/form-data; boundary=b": "--b--\r\n"} {
		if status, answer := post(t, server.URL+"/upload", contentType, body); status != 400 || !strings.HasPrefix(answer, `{"message":`) {
			t.Errorf("%s: %d %s", contentType, status, answer)
		}
	}
}

func TestExecute(t *testing.T) {
	_, server := serve(t)
	for command, want := range map[string]result{
		`echo  a 'b  c' "d \"e" f\ g # ; $HOME *`: {Stdout: "a b  c d \"e f g # ; $HOME *\n"},
		`sh -c 'echo out; echo err >&2; exit 3'`:  {Stdout: "out\n", Stderr: "err\n", ExitCode: 3},
		`sh -c 'kill -9 $$'`:                      {ExitCode: 137},
		`cat file`:                                {Stdout: "content"},
		`cat`:                                     {}, // there is nothing to read
		`printf '\377'`:                           {Stdout: "\ufffd"},
	} {
		if got := execute(t, server, map[string]any{"command": command}); got != want {
			t.Errorf("%s: %+v", command, got)
		}
	}
	for _, command := range []string{"", " ", "no-such-program-at-all", "./file", "echo 'open"} {
		if got := execute(t, server, map[string]any{"command": command}); got.ExitCode != 1 || got.Stderr == "" {
			t.Errorf("%q: %+v", command, got)
		}
	}
	for _, body := range []string{"", "x", `{"command":1}`, `{"command":"true","timeout_seconds":0}`} {
		if status, answer := post(t, server.URL+"/execute", "application/json", body); status != 400 {
			t.Errorf("%q: %d %s", body, status, answer)
		}
	}
}

func TestOutputIsBounded(t *testing.T) {
	_, server := serve(t)
	got := execute(t, server, map[string]any{"command": fmt.Sprintf("head -c %d /dev/zero", maxCaptured+10)})
	if len(got.Stdout) != maxCaptured || !strings.Contains(got.Stderr, "10 more were dropped") || got.ExitCode != 0 {
		t.Errorf("%d bytes, %q, %d", len(got.Stdout), got.Stderr, got.ExitCode)
	}
}

// What a command leaves running in the background, with its output open, delays nothing and is not ended.
func TestBackground(t *testing.T) {
	base, server := serve(t)
	if err := unix.Mkfifo(base+"/held", 0o600); err != nil {
		t.Fatal(err)
	}
	got := execute(t, server, map[string]any{"command": `sh -c '(read line; echo "$line" >written; echo line) <held & echo started'`})
	if got != (result{Stdout: "started\n"}) {
		t.Errorf("%+v", got)
	}
	// Opens once the other end is open, too.
	if err := os.WriteFile(base+"/held", []byte("go on\n"), 0); err != nil {
		t.Fatal(err)
	}
	for {
		if content, _ := os.ReadFile(base + "/written"); string(content) == "go on\n" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// The limit ends what the command has started, too: the pipe that all of them hold is at its end.
func TestTimeLimitEndsTheWholeGroup(t *testing.T) {
	base, server := serve(t)
	if err := unix.Mkfifo(base+"/held", 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		held, err := os.Open(base + "/held")
		if err == nil {
			_, err = io.Copy(io.Discard, held)
		}
		ended <- err
	}()
	got := execute(t, server, map[string]any{"command": `sh -c 'exec 3>held; sleep 600 & echo before; sleep 600'`, "timeout_seconds": 0.5})
	if got.Stdout != "before\n" || got.ExitCode != 1 || !got.TimedOut || !strings.Contains(got.Stderr, "timed out after 0.5 seconds") {
		t.Errorf("%+v", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// While a command runs others are answered; when its client leaves it ends, however that has sent it.
func TestClientThatLeaves(t *testing.T) {
	body := `{"command":"sh -c 'exec 3>held; sleep 600'"}`
	t.Run("known length", func(t *testing.T) { clientLeaves(t, strings.NewReader(body)) })
	t.Run("chunked", func(t *testing.T) { clientLeaves(t, struct{ io.Reader }{strings.NewReader(body)}) })
	t.Run("spaces behind", func(t *testing.T) { clientLeaves(t, strings.NewReader(body+strings.Repeat(" ", 64<<10))) })
}

func clientLeaves(t *testing.T, body io.Reader) {
	t.Helper()
	base, server := serve(t)
	if err := unix.Mkfifo(base+"/held", 0o600); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, server.URL+"/execute", body)
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		response, err := http.DefaultClient.Do(request.WithContext(ctx))
		if err == nil {
			response.Body.Close()
		}
	}()
	held, err := os.Open(base + "/held") // returns once the command runs
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := get(t, server.URL+"/"); status != 200 {
		t.Errorf("status %d", status)
	}
	leave()
	if _, err := io.Copy(io.Discard, held); err != nil {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	read := func(pairs map[string]string) (Settings, error) {
		return FromEnvironment(func(name string) string { return pairs[name] })
	}
	if got, err := read(nil); err != nil || got != (Settings{"/app", 300 * time.Second}) {
		t.Errorf("%+v %v", got, err)
	}
	got, err := read(map[string]string{"SANDBOX_BASE_DIR": "/x/", "SANDBOX_EXEC_TIMEOUT_SECONDS": "0.5"})
	if err != nil || got != (Settings{"/x", 500 * time.Millisecond}) {
		t.Errorf("%+v %v", got, err)
	}
	for name, value := range map[string]string{"SANDBOX_BASE_DIR": "x", "SANDBOX_EXEC_TIMEOUT_SECONDS": "-1"} {
		if _, err := read(map[string]string{name: value}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, value := range []string{"0", "NaN", "soon"} {
		if _, err := read(map[string]string{"SANDBOX_EXEC_TIMEOUT_SECONDS": value}); err == nil {
			t.Errorf("%s is taken", value)
		}
	}
}
