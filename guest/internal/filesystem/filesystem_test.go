package filesystem

import (
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	filesystemv1 "bulkhead.dev/guest/internal/gen/filesystem"
	"bulkhead.dev/guest/internal/gen/filesystem/filesystemconnect"
	"bulkhead.dev/guest/internal/identity"
	"bulkhead.dev/guest/internal/users"
)

// patience is how long a test waits for what must come; nothing is asserted about how long it took.
const patience = 30 * time.Second

type fixture struct {
	filesystemconnect.FilesystemClient
	t      *testing.T
	ctx    context.Context
	folder string
}

func newFixture(t *testing.T) *fixture {
	mux := http.NewServeMux()
	NewService(identity.NewStore(identity.Identity{User: strconv.Itoa(os.Getuid())})).Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	// Not t.TempDir: other users must get there.
	folder, err := os.MkdirTemp("", "filesystem")
	if err == nil {
		err = os.Chmod(folder, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return &fixture{filesystemconnect.NewFilesystemClient(server.Client(), server.URL), t, ctx, folder}
}

func (f *fixture) path(name string) string { return filepath.Join(f.folder, name) }

func (f *fixture) write(name, content string) string {
	f.t.Helper()
	if err := os.WriteFile(f.path(name), []byte(content), 0o640); err != nil {
		f.t.Fatal(err)
	}
	return f.path(name)
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func as[T any](user string, message *T) *connect.Request[T] {
	request := connect.NewRequest(message)
	if user != "" {
		request.Header().Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user+":")))
	}
	return request
}

func (f *fixture) stat(path string) *filesystemv1.EntryInfo {
	f.t.Helper()
	answer, err := f.Stat(f.ctx, as("", &filesystemv1.StatRequest{Path: path}))
	f.must(err)
	return answer.Msg.GetEntry()
}

func (f *fixture) list(path string, depth uint32) []string {
	f.t.Helper()
	answer, err := f.ListDir(f.ctx, as("", &filesystemv1.ListDirRequest{Path: path, Depth: depth}))
	f.must(err)
	names := []string{}
	for _, entry := range answer.Msg.GetEntries() {
		names = append(names, strings.TrimPrefix(entry.GetPath(), path+"/"))
	}
	return names
}

func TestStat(t *testing.T) {
	f := newFixture(t)
	path := f.write("file", "content")
	f.must(os.Symlink("file", f.path("link")))
	f.must(os.Symlink("nowhere", f.path("broken")))
	f.must(os.Symlink("circle", f.path("circle")))
	f.must(unix.Setxattr(path, "user.e2b.author", []byte("me"), 0))
	names := func(entry *filesystemv1.EntryInfo) string {
		return strings.Join([]string{entry.GetName(), entry.GetType().String(), entry.GetSymlinkTarget()}, " ")
	}
	for name, want := range map[string]string{
		"file":   "file FILE_TYPE_FILE ",
		"link":   "link FILE_TYPE_FILE " + path,
		"broken": "broken FILE_TYPE_SYMLINK nowhere",
		"circle": "circle FILE_TYPE_SYMLINK circle",
		"":       filepath.Base(f.folder) + " FILE_TYPE_DIRECTORY ",
	} {
		if got := names(f.stat(f.path(name))); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	entry := f.stat(path)
	if entry.GetSize() != 7 || entry.GetMode() != 0o640 || entry.GetPermissions() != "-rw-r-----" || entry.GetMetadata()["author"] != "me" {
		t.Errorf("%v", entry)
	}
	if os.Getuid() == 0 && (entry.GetOwner() != "root" || entry.GetGroup() != "root") {
		t.Errorf("%v", entry)
	}
}

func TestErrors(t *testing.T) {
	f := newFixture(t)
	file := f.write("file", "")
	f.must(os.MkdirAll(f.path("full/sub"), 0o755))
	stat := func(path string) error {
		_, err := f.Stat(f.ctx, as("", &filesystemv1.StatRequest{Path: path}))
		return err
	}
	list := func(path string) error {
		_, err := f.ListDir(f.ctx, as("", &filesystemv1.ListDirRequest{Path: path}))
		return err
	}
	makeDir := func(path string) error {
		_, err := f.MakeDir(f.ctx, as("", &filesystemv1.MakeDirRequest{Path: path}))
		return err
	}
	move := func(from, to string) error {
		_, err := f.Move(f.ctx, as("", &filesystemv1.MoveRequest{Source: from, Destination: to}))
		return err
	}
	remove := func(path string) error {
		_, err := f.Remove(f.ctx, as("", &filesystemv1.RemoveRequest{Path: path}))
		return err
	}
	watch := func(path string) error {
		_, err := f.CreateWatcher(f.ctx, as("", &filesystemv1.CreateWatcherRequest{Path: path}))
		return err
	}
	events := func(id string) error {
		_, err := f.GetWatcherEvents(f.ctx, as("", &filesystemv1.GetWatcherEventsRequest{WatcherId: id}))
		return err
	}
	unwatch := func(id string) error {
		_, err := f.RemoveWatcher(f.ctx, as("", &filesystemv1.RemoveWatcherRequest{WatcherId: id}))
		return err
	}
	for name, c := range map[string]struct {
		err  error
		code connect.Code
	}{
		"stat nothing":            {stat(f.path("none")), connect.CodeNotFound},
		"stat below a file":       {stat(file + "/x"), connect.CodeInvalidArgument},
		"stat NUL":                {stat("a\x00b"), connect.CodeInvalidArgument},
		"stat 5000 bytes":         {stat(strings.Repeat("a/", 2500)), connect.CodeInvalidArgument},
		"stat 256 bytes":          {stat(f.path(strings.Repeat("n", 256))), connect.CodeInvalidArgument},
		"list nothing":            {list(f.path("none")), connect.CodeNotFound},
		"list a file":             {list(file), connect.CodeInvalidArgument},
		"make what is there":      {makeDir(f.folder), connect.CodeAlreadyExists},
		"make where a file is":    {makeDir(file), connect.CodeInvalidArgument},
		"make below a file":       {makeDir(file + "/x"), connect.CodeInvalidArgument},
		"move nothing":            {move(f.path("none"), f.path("x")), connect.CodeNotFound},
		"move a folder on files":  {move(f.path("full"), file), connect.CodeInvalidArgument},
		"move into itself":        {move(f.path("full"), f.path("full/sub/x")), connect.CodeInvalidArgument},
		"move a file on a folder": {move(file, f.path("full")), connect.CodeInvalidArgument},
		"remove nothing":          {remove(f.path("none")), 0},
		"remove everything":       {remove("/"), connect.CodeInvalidArgument},
		"watch nothing":           {watch(f.path("none")), connect.CodeNotFound},
		"watch a file":            {watch(file), connect.CodeInvalidArgument},
		"events of nothing":       {events("none"), connect.CodeNotFound},
		"unwatch nothing":         {unwatch("none"), connect.CodeNotFound},
	} {
		if c.code == 0 && c.err == nil {
			continue
		}
		if connect.CodeOf(c.err) != c.code {
			t.Errorf("%s: %v, want %v", name, c.err, c.code)
		}
	}
}

func TestMakeMoveRemove(t *testing.T) {
	f := newFixture(t)
	made, err := f.MakeDir(f.ctx, as("", &filesystemv1.MakeDirRequest{Path: f.path("a/b")}))
	f.must(err)
	if made.Msg.GetEntry().GetPath() != f.path("a/b") || made.Msg.GetEntry().GetType() != filesystemv1.FileType_FILE_TYPE_DIRECTORY {
		t.Errorf("%v", made.Msg)
	}
	f.write("a/b/file", "content")
	moved, err := f.Move(f.ctx, as("", &filesystemv1.MoveRequest{Source: f.path("a"), Destination: f.path("new/c")}))
	f.must(err)
	if moved.Msg.GetEntry().GetPath() != f.path("new/c") {
		t.Errorf("%v", moved.Msg)
	}
	if got := f.list(f.folder, 9); !slices.Equal(got, []string{"new", "new/c", "new/c/b", "new/c/b/file"}) {
		t.Errorf("got %v", got)
	}
	_, err = f.Remove(f.ctx, as("", &filesystemv1.RemoveRequest{Path: f.path("new")}))
	f.must(err)
	if got := f.list(f.folder, 1); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
}

func TestMoveAcrossFileSystems(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	f := newFixture(t)
	f.must(os.MkdirAll(f.path("other"), 0o777))
	f.must(unix.Mount("none", f.path("other"), "tmpfs", 0, "size=1m"))
	t.Cleanup(func() { _ = unix.Unmount(f.path("other"), unix.MNT_DETACH) })
	f.must(os.MkdirAll(f.path("a/b"), 0o755))
	f.write("a/b/file", "content")
	f.must(os.Chown(f.path("a/b/file"), 65534, 65534))
	_, err := f.Move(f.ctx, as("", &filesystemv1.MoveRequest{Source: f.path("a"), Destination: f.path("other/moved")}))
	f.must(err)
	if got := f.list(f.folder, 9); !slices.Equal(got, []string{"other", "other/moved", "other/moved/b", "other/moved/b/file"}) {
		t.Errorf("got %v", got)
	}
	if owner := f.stat(f.path("other/moved/b/file")).GetOwner(); owner != "nobody" {
		t.Errorf("it belongs to %s", owner)
	}
	// One that does not fit stays where it was.
	f.write("big", strings.Repeat("x", 2<<20))
	_, err = f.Move(f.ctx, as("", &filesystemv1.MoveRequest{Source: f.path("big"), Destination: f.path("other/big")}))
	if connect.CodeOf(err) != connect.CodeResourceExhausted || f.stat(f.path("big")).GetSize() != 2<<20 {
		t.Errorf("%v", err)
	}
}

func TestList(t *testing.T) {
	f := newFixture(t)
	f.must(os.MkdirAll(f.path("b/c/d"), 0o755))
	f.must(os.Symlink(f.folder, f.path("b/circle")))
	f.write("a \xff\n🚢", "")
	f.must(os.Symlink(f.path("b"), f.path("link")))
	for depth, want := range map[uint32][]string{
		0: {"a \uFFFD\n🚢", "b", "link"},
		1: {"a \uFFFD\n🚢", "b", "link"},
		2: {"a \uFFFD\n🚢", "b", "b/c", "b/circle", "link"},
		9: {"a \uFFFD\n🚢", "b", "b/c", "b/c/d", "b/circle", "link"},
	} {
		if got := f.list(f.folder, depth); !slices.Equal(got, want) {
			t.Errorf("depth %d: %q", depth, got)
		}
	}
	if got := f.list(f.path("link"), 1); !slices.Equal(got, []string{"c", "circle"}) {
		t.Errorf("through a link: %q", got)
	}
}

func TestAnUnprivilegedUserSeesNoMoreThanItMay(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("other users need root")
	}
	f := newFixture(t)
	f.must(os.MkdirAll(f.path("secret/below"), 0o700))
	secret := f.path("secret")
	for name, call := range map[string]func() error{
		"stat": func() error {
			_, err := f.Stat(f.ctx, as("nobody", &filesystemv1.StatRequest{Path: secret + "/below"}))
			return err
		},
		"list": func() error {
			_, err := f.ListDir(f.ctx, as("nobody", &filesystemv1.ListDirRequest{Path: secret}))
			return err
		},
		"make": func() error {
			_, err := f.MakeDir(f.ctx, as("nobody", &filesystemv1.MakeDirRequest{Path: secret + "/x"}))
			return err
		},
		"move": func() error {
			_, err := f.Move(f.ctx, as("nobody", &filesystemv1.MoveRequest{Source: secret + "/below", Destination: f.path("x")}))
			return err
		},
		"remove": func() error {
			_, err := f.Remove(f.ctx, as("nobody", &filesystemv1.RemoveRequest{Path: secret}))
			return err
		},
		"watch": func() error {
			_, err := f.CreateWatcher(f.ctx, as("nobody", &filesystemv1.CreateWatcherRequest{Path: secret}))
			return err
		},
	} {
		if err := call(); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := f.list(f.folder, 9); !slices.Equal(got, []string{"secret", "secret/below"}) {
		t.Errorf("after all that: %v", got)
	}
	made, err := f.MakeDir(f.ctx, as("nobody", &filesystemv1.MakeDirRequest{Path: f.path("own/folder")}))
	f.must(err)
	if owner := f.stat(f.path("own")).GetOwner(); owner != "nobody" || made.Msg.GetEntry().GetOwner() != "nobody" {
		t.Errorf("made for nobody, it belongs to %s", owner)
	}
	_, err = f.Stat(f.ctx, as("no-such-user", &filesystemv1.StatRequest{Path: "/"}))
	if connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("an unknown user: %v", err)
	}
}

// expect waits for an event; others may come before it.
func expect(t *testing.T, next func() *filesystemv1.FilesystemEvent, name string, kind filesystemv1.EventType) *filesystemv1.FilesystemEvent {
	t.Helper()
	for {
		event := next()
		if event == nil {
			t.Fatalf("no %v of %s", kind, name)
		}
		if event.GetName() == name && event.GetType() == kind {
			return event
		}
	}
}

func TestWatch(t *testing.T) {
	f := newFixture(t)
	f.must(os.MkdirAll(f.path("sub"), 0o755))
	stream, err := f.WatchDir(f.ctx, as("", &filesystemv1.WatchDirRequest{Path: f.folder, Recursive: true, IncludeEntry: true}))
	f.must(err)
	defer stream.Close()
	if !stream.Receive() || stream.Msg().GetStart() == nil {
		t.Fatalf("no start: %v", stream.Err())
	}
	next := func() *filesystemv1.FilesystemEvent {
		for stream.Receive() {
			if event := stream.Msg().GetFilesystem(); event != nil {
				return event
			}
		}
		return nil
	}
	f.write("sub/file", "content")
	if entry := expect(t, next, "sub/file", filesystemv1.EventType_EVENT_TYPE_CREATE).GetEntry(); entry.GetName() != "file" {
		t.Errorf("entry %v", entry)
	}
	expect(t, next, "sub/file", filesystemv1.EventType_EVENT_TYPE_WRITE)
	f.must(os.Chmod(f.path("sub/file"), 0o600))
	expect(t, next, "sub/file", filesystemv1.EventType_EVENT_TYPE_CHMOD)
	f.must(os.Rename(f.path("sub/file"), f.path("moved")))
	expect(t, next, "sub/file", filesystemv1.EventType_EVENT_TYPE_RENAME)
	expect(t, next, "moved", filesystemv1.EventType_EVENT_TYPE_CREATE)
	f.must(os.Remove(f.path("moved")))
	expect(t, next, "moved", filesystemv1.EventType_EVENT_TYPE_REMOVE)
	// A folder that appears is watched, and what was in it before the watch stood is told.
	f.must(os.MkdirAll(f.path("new/deep"), 0o755))
	f.write("new/deep/early", "")
	expect(t, next, "new/deep/early", filesystemv1.EventType_EVENT_TYPE_CREATE)
	f.write("new/deep/late", "")
	expect(t, next, "new/deep/late", filesystemv1.EventType_EVENT_TYPE_CREATE)
}

// Only folders that are watched at the same time count: a build makes and removes any number of them.
func TestFoldersThatWentAreNotCounted(t *testing.T) {
	f := newFixture(t)
	user, err := users.Lookup(strconv.Itoa(os.Getuid()))
	f.must(err)
	w, err := newWatch(target{user, f.folder}, watchOptions{recursive: true})
	f.must(err)
	defer w.close()
	w.folders = maxWatchedFolders // as if that many had come and gone
	f.must(os.Mkdir(f.path("new"), 0o755))
	f.must(w.follow(f.path("new"), nil))
	if w.folders != 2 {
		t.Errorf("%d folders are counted", w.folders)
	}
}

// While a folder is listed, a pipe takes the name of one below. Opening a pipe waits for somebody at its other end.
func TestAPipeInPlaceOfAFolderIsNotOpened(t *testing.T) {
	f := newFixture(t)
	f.must(unix.Mkfifo(f.path("pipe"), 0o600))
	// With a writer there, the wrong way to open it shows instead of waiting.
	writer, err := os.OpenFile(f.path("pipe"), os.O_RDWR, 0)
	f.must(err)
	defer writer.Close()
	list := listing{ctx: f.ctx, names: users.ReadNames()}
	_, err = list.readOne(f.path("pipe"))
	if failed, ok := errors.AsType[*fs.PathError](err); !ok || failed.Op != "open" || !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("got %v", err)
	}
}

func TestWatcherToPoll(t *testing.T) {
	f := newFixture(t)
	created, err := f.CreateWatcher(f.ctx, as("", &filesystemv1.CreateWatcherRequest{Path: f.folder}))
	f.must(err)
	id := created.Msg.GetWatcherId()
	f.must(os.MkdirAll(f.path("sub/below"), 0o755))
	f.write("file", "")
	var got []*filesystemv1.FilesystemEvent
	next := func() *filesystemv1.FilesystemEvent {
		for len(got) == 0 {
			answer, err := f.GetWatcherEvents(f.ctx, as("", &filesystemv1.GetWatcherEventsRequest{WatcherId: id}))
			f.must(err)
			got = answer.Msg.GetEvents()
		}
		first := got[0]
		got = got[1:]
		if first.GetName() == "sub/below" {
			t.Error("it tells what is below, and was not asked to")
		}
		return first
	}
	expect(t, next, "sub", filesystemv1.EventType_EVENT_TYPE_CREATE)
	expect(t, next, "file", filesystemv1.EventType_EVENT_TYPE_CREATE)
	_, err = f.RemoveWatcher(f.ctx, as("", &filesystemv1.RemoveWatcherRequest{WatcherId: id}))
	f.must(err)
	_, err = f.GetWatcherEvents(f.ctx, as("", &filesystemv1.GetWatcherEventsRequest{WatcherId: id}))
	if connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("a removed watcher: %v", err)
	}
}

func TestWatchersAreBounded(t *testing.T) {
	f := newFixture(t)
	for range maxWatchers {
		created, err := f.CreateWatcher(f.ctx, as("", &filesystemv1.CreateWatcherRequest{Path: f.folder}))
		f.must(err)
		defer func() {
			_, err := f.RemoveWatcher(f.ctx, as("", &filesystemv1.RemoveWatcherRequest{WatcherId: created.Msg.GetWatcherId()}))
			f.must(err)
		}()
	}
	_, err := f.CreateWatcher(f.ctx, as("", &filesystemv1.CreateWatcherRequest{Path: f.folder}))
	if connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Errorf("one more: %v", err)
	}
}

func TestLostEventsAreSaid(t *testing.T) {
	p := &polled{}
	var err error
	for range maxPending + 1 {
		err = errors.Join(err, p.tell(&filesystemv1.FilesystemEvent{}))
	}
	if connect.CodeOf(answerError(err)) != connect.CodeDataLoss {
		t.Errorf("got %v", err)
	}
	p.failed = err
	if events, err := p.take(); len(events) != maxPending || err != nil {
		t.Errorf("%d events, %v", len(events), err)
	}
	if _, err := p.take(); err == nil {
		t.Error("the loss was not told")
	}
}

func answerError(err error) error {
	_, err = answer(&filesystemv1.GetWatcherEventsResponse{}, err)
	return err
}
