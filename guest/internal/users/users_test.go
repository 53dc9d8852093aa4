package users

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

const passwd = `root:x:0:0:root:/root:/bin/bash
broken line
user:x:1000:1000:,,,:/home/user:/bin/bash
bare:x:1001:100::relative:
all:x:4294967295:0::/:/bin/sh
1002:x:7:7::/seven:/bin/sh
`

const groups = `root:x:0:
sudo:x:27:other,user
user:x:1000:user
docker:x:999:user,username
`

func files(t *testing.T) (string, string) {
	folder := t.TempDir()
	p, g := filepath.Join(folder, "passwd"), filepath.Join(folder, "group")
	for file, content := range map[string]string{p: passwd, g: groups} {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return p, g
}

func TestLookup(t *testing.T) {
	p, g := files(t)
	for name, want := range map[string]*User{
		"user": {"user", 1000, 1000, []uint32{1000, 27, 999}, "/home/user", "/bin/bash"},
		"1000": {"user", 1000, 1000, []uint32{1000, 27, 999}, "/home/user", "/bin/bash"},
		"bare": {"bare", 1001, 100, []uint32{100}, "/", "/bin/sh"},
		"1002": {"1002", 7, 7, []uint32{7}, "/seven", "/bin/sh"}, // a name wins over a number
		"4711": {"4711", 4711, 4711, []uint32{4711}, "/", "/bin/sh"},
	} {
		if got, err := lookup(name, p, g); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v %v, want %v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "nobody-here", "-1", "4294967295", "all", "1000:1000", "root\n"} {
		if got, err := lookup(name, p, g); err == nil {
			t.Errorf("%q was found: %v", name, got)
		}
	}
	if got, err := lookup("0", "/no/passwd", "/no/group"); err != nil || got.UID != 0 {
		t.Errorf("an image without passwd: %v %v", got, err)
	}
}

func TestResolve(t *testing.T) {
	user := &User{Name: "user", Home: "/home/user"}
	for path, want := range map[string]string{
		"":            "/home/user",
		".":           "/home/user",
		"a/b":         "/home/user/a/b",
		"../../..":    "/",
		"/etc/./x/..": "/etc",
		"~":           "/home/user",
		"~/a":         "/home/user/a",
		"~/../x":      "/home/x",
		"~root":       "/home/user/~root",
		"~$draft.doc": "/home/user/~$draft.doc",
		"a\nb":        "/home/user/a\nb",
		"/🚢/":         "/🚢",
	} {
		if got, err := user.Resolve(path); err != nil || got != want {
			t.Errorf("%q: got %q %v, want %q", path, got, err, want)
		}
	}
	for _, path := range []string{"a\x00b", strings.Repeat("x", 5000)} {
		if got, err := user.Resolve(path); err == nil {
			t.Errorf("%.20q became %q", path, got)
		}
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("../a/~/b", "/home/user")
	f.Fuzz(func(t *testing.T, path, home string) {
		user := &User{Home: home}
		got, err := user.Resolve(path)
		if err != nil {
			return
		}
		if !filepath.IsAbs(got) || filepath.Clean(got) != got || strings.Contains(got, "\x00") && !strings.Contains(home, "\x00") {
			t.Errorf("%q from %q became %q", path, home, got)
		}
	})
}

// What a thread did as somebody else must not show anywhere else, nor afterwards.
func TestActAs(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("acting as others needs root")
	}
	nobody := &User{Name: "nobody", UID: 65534, GID: 65534, Groups: []uint32{65534}}
	folder := t.TempDir()
	secret := filepath.Join(folder, "secret")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir := folder; dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(dir) == os.TempDir() {
			break
		}
	}
	var group sync.WaitGroup
	for range 8 * runtime.NumCPU() {
		group.Go(func() {
			if _, err := nobody.Open(secret, os.O_RDONLY, 0); !errors.Is(err, fs.ErrPermission) {
				t.Errorf("nobody opened root's file: %v", err)
			}
		})
		group.Go(func() {
			if f, err := os.Open(secret); err != nil {
				t.Errorf("root may not open its own file: %v", err)
			} else {
				f.Close()
			}
		})
	}
	group.Wait()
	made := filepath.Join(folder, "made")
	f, err := nobody.Open(made, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	names := ReadNames()
	info, err := f.Stat()
	if err != nil || names.User(uid(info)) != "nobody" {
		t.Errorf("made by uid %d: %v", uid(info), err)
	}
	_ = nobody.Act(func() error { actsAs(t, nobody); return nil })
	if os.Geteuid() != 0 {
		t.Error("not root any more")
	}
}

func actsAs(t *testing.T, user *User) {
	t.Helper()
	if os.Geteuid() != int(user.UID) {
		t.Errorf("acts with euid %d", os.Geteuid())
	}
}

func uid(info fs.FileInfo) uint32 { return info.Sys().(*syscall.Stat_t).Uid }
