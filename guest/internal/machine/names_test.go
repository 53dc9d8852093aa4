package machine

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestWithOwnHostReplacesItsLineAlone(t *testing.T) {
	for _, c := range []struct{ before, after string }{
		{"", "127.0.1.1\tbox\n"},
		{"127.0.0.1\tlocalhost\n", "127.0.0.1\tlocalhost\n127.0.1.1\tbox\n"},
		{"127.0.0.1 localhost", "127.0.0.1 localhost\n127.0.1.1\tbox\n"},
		{"127.0.1.1 old\n# kept\n 127.0.1.1\tolder\n10.0.0.1 db\n", "# kept\n10.0.0.1 db\n127.0.1.1\tbox\n"},
	} {
		if got := string(withOwnHost([]byte(c.before), "box")); got != c.after {
			t.Errorf("%q became %q, wanted %q", c.before, got, c.after)
		}
	}
}

// Root in the guest may have put anything where a name is written.
func TestReplaceFileNeitherOpensNorFollowsWhatIsThere(t *testing.T) {
	folder := t.TempDir()
	victim := filepath.Join(folder, "victim")
	if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	link, fifo := filepath.Join(folder, "link"), filepath.Join(folder, "fifo")
	if err := errors.Join(os.Symlink(victim, link), syscall.Mkfifo(fifo, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, fifo} {
		if err := replaceFile(path, []byte("new"), 0o444); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != 0o444 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if text, _ := os.ReadFile(victim); string(text) != "precious" {
		t.Errorf("the link's target was written: %q", text)
	}
	if err := replaceFile(folder, nil, 0o444); err == nil {
		t.Error("a folder was replaced")
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(folder), ".bulkhead-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

func TestReadBoundedDoesNotBlockOnAFIFO(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readBounded(fifo, 10); err == nil {
		t.Error("a FIFO was read")
	}
}

func TestBootIDOfGVisorChangesWithTheSeed(t *testing.T) {
	m := New(GVisor, func() {})
	first, err := m.BootID()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := m.BootID(); again != first {
		t.Error("it changed by itself")
	}
	if err := m.Seed(make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	if next, _ := m.BootID(); next == first {
		t.Error("two identities have one boot id")
	}
}
