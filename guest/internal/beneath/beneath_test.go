package beneath

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/fault"
)

// layout makes outside/{kept,folder} and opens folder, in which link leads up and inner stays inside.
func layout(t *testing.T) (outside string, folder *Folder) {
	t.Helper()
	outside = t.TempDir()
	err := errors.Join(os.MkdirAll(outside+"/folder/real", 0o755), os.WriteFile(outside+"/kept", nil, 0o644),
		os.Symlink("..", outside+"/folder/link"), os.Symlink("real", outside+"/folder/inner"))
	if err != nil {
		t.Fatal(err)
	}
	folder, err = Open(outside + "/folder")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	return outside, folder
}

// No operation follows a link, whether it leads out or not; also in a guest whose kernel follows O_NOFOLLOW|O_DIRECTORY.
func TestNoLinkIsFollowed(t *testing.T) {
	for _, link := range []string{"link", "inner"} {
		_, folder := layout(t)
		for name, err := range map[string]error{
			"open":     second(folder.OpenFile(link+"/x", os.O_WRONLY|os.O_CREATE, 0o600)),
			"itself":   second(folder.OpenFile(link, os.O_RDONLY|unix.O_DIRECTORY, 0)),
			"lstat":    second(folder.Lstat(link + "/kept")),
			"readlink": second(folder.Readlink(link + "/kept")),
			"symlink":  folder.Symlink("x", link+"/x"),
			"link to":  folder.Link("inner", link+"/x"),
			"link of":  folder.Link(link+"/kept", "x"),
			"chown":    folder.Lchown(link+"/kept", 1, 1),
			"mkdir":    folder.Mkdir(link+"/x", 0o700),
			"mkdirs":   folder.MkdirAll(link+"/x/y", 0o700),
			"remove":   folder.Remove(link + "/kept"),
			"dots":     second(folder.OpenFile("../kept", os.O_RDONLY, 0)),
			"absolute": second(folder.OpenFile("/etc/passwd", os.O_RDONLY, 0)),
		} {
			if fault.Code(err) != connect.CodeInvalidArgument {
				t.Errorf("%s through %s: %v", name, link, err)
			}
		}
	}
}

// Where links are followed, none leads out: not as the last part of a name, nor before it, nor by its whole path.
func TestLinksThatAreFollowedStayBelow(t *testing.T) {
	outside, _ := layout(t)
	err := errors.Join(os.WriteFile(outside+"/folder/real/file", nil, 0o644), os.Symlink("../real/file", outside+"/folder/real/end"),
		os.Symlink("../../kept", outside+"/folder/real/up"), os.Symlink(outside+"/folder/real", outside+"/folder/absolute"))
	if err != nil {
		t.Fatal(err)
	}
	folder, err := OpenFollowing(outside + "/folder")
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	for name, err := range map[string]error{
		"open":        second(folder.OpenFile("inner/file", os.O_RDONLY, 0)),
		"open at end": second(folder.OpenFile("inner/end", os.O_RDONLY, 0)),
		"stat":        second(folder.Stat("inner/end")),
		"mkdirs":      folder.MkdirAll("inner/x/y", 0o700),
		"rename":      folder.Rename("inner/file", "inner/x/file"),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"open":      second(folder.OpenFile("link/kept", os.O_RDONLY, 0)),
		"at end":    second(folder.OpenFile("inner/up", os.O_RDONLY, 0)),
		"make":      second(folder.OpenFile("link/x", os.O_WRONLY|os.O_CREATE, 0o600)),
		"stat":      second(folder.Stat("inner/up")),
		"mkdir":     folder.Mkdir("link/x", 0o700),
		"rename":    folder.Rename("inner/x/file", "link/x"),
		"remove":    folder.Remove("link/kept"),
		"absolute":  second(folder.OpenFile("absolute/file", os.O_RDONLY, 0)),
		"whole":     second(folder.OpenFile("/etc/passwd", os.O_RDONLY, 0)),
		"dots":      second(folder.OpenFile("../kept", os.O_RDONLY, 0)),
		"dots last": second(folder.OpenFile("inner/../../../kept", os.O_RDONLY, 0)),
	} {
		if fault.Code(err) != connect.CodePermissionDenied {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestName(t *testing.T) {
	for given, want := range map[string]string{"a": "a", "./a//b/": "a/b", ".": ".", "a\n🚢": "a\n🚢"} {
		if got, err := Name(given); err != nil || got != want {
			t.Errorf("%q became %q, %v", given, got, err)
		}
	}
	for _, given := range []string{"", "/", "/a", "..", "a/../b", "a/..", "a\x00"} {
		if got, err := Name(given); err == nil {
			t.Errorf("%q became %q", given, got)
		}
	}
}

func TestRemoveAll(t *testing.T) {
	outside, folder := layout(t)
	for i := range 2*batch + 1 {
		if err := folder.MkdirAll("real/"+strconv.Itoa(i), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time there is nothing any more
		if err := RemoveAll(t.Context(), outside+"/folder"); err != nil {
			t.Fatal(err)
		}
	}
	if found, _ := os.ReadDir(outside); len(found) != 1 {
		t.Errorf("left: %v", found)
	}
	if err := RemoveAll(t.Context(), outside+"/no/such/path"); err != nil {
		t.Error(err)
	}
}

func TestRemoveAllEndsWithItsContext(t *testing.T) {
	outside, _ := layout(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := RemoveAll(ctx, outside+"/folder"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// While a folder is removed, somebody swaps one below for a link to another and back, as fast as they can.
func TestRemoveAllWhileALinkIsSwapped(t *testing.T) {
	base := t.TempDir()
	precious := base + "/precious"
	if err := errors.Join(os.Mkdir(precious, 0o755), os.WriteFile(precious+"/kept", nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		victim := base + "/victim"
		if err := errors.Join(os.MkdirAll(victim+"/real/"+strings.Repeat("d/", 20), 0o755), os.Symlink(precious, victim+"/link")); err != nil {
			t.Fatal(err)
		}
		var stop atomic.Bool
		done := make(chan struct{})
		go func() {
			defer close(done)
			for !stop.Load() {
				_ = unix.Renameat2(unix.AT_FDCWD, victim+"/real", unix.AT_FDCWD, victim+"/link", unix.RENAME_EXCHANGE)
			}
		}()
		_ = RemoveAll(t.Context(), victim) // may find a link in the way
		stop.Store(true)
		<-done
		if _, err := os.Stat(precious + "/kept"); err != nil {
			t.Fatal(err)
		}
		if err := RemoveAll(t.Context(), victim); err != nil {
			t.Fatal(err)
		}
	}
}
