package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFindDiskGoesBySerial(t *testing.T) {
	sys := t.TempDir()
	for name, serial := range map[string]string{"vda": "root\n", "vdb": "disk", "loop0": ""} {
		folder := filepath.Join(sys, name)
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if serial == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, "serial"), []byte(serial), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	for serial, device := range map[string]string{"root": "/dev/vda", "disk": "/dev/vdb"} {
		if got, err := findDisk(sys, serial); got != device || err != nil {
			t.Errorf("%s is %q, %v", serial, got, err)
		}
	}
	if _, err := findDisk(sys, "other"); err == nil || !strings.Contains(err.Error(), `"other"`) {
		t.Errorf("a disk that is not there: %v", err)
	}
}

func TestAliveReadsStatOfAnyName(t *testing.T) {
	stat := func(name, state string, flags int) string {
		return fmt.Sprintf("42 (%s) %s 1 42 42 0 -1 %d 0 0 0 0 0", name, state, flags)
	}
	for _, c := range []struct {
		stat  string
		alive bool
	}{
		{stat("sleep", "S", 0x400000), true},
		{stat("stopped", "T", 0), true},
		{stat("gone", "Z", 0), false},
		{stat("kworker/0:0", "I", kernelThread), false},
		// A process gives itself any name.
		{stat("a) Z 1 (b", "R", 0), true},
		{stat(") Z 1 1 1 1 1 2097152", "R", 0), true},
		{"", false},
		{"42 (cut", false},
		{"42 (cut) R", false},
	} {
		if got := alive(c.stat); got != c.alive {
			t.Errorf("%q: %v", c.stat, got)
		}
	}
}

// A zombie is no other process; this test's own parent is one.
func TestOthersRunSeesThisMachine(t *testing.T) {
	if !othersRun("/proc") {
		t.Error("no process but this one")
	}
	if othersRun(t.TempDir()) {
		t.Error("processes in an empty folder")
	}
}

func FuzzAlive(f *testing.F) {
	f.Add("42 (sleep) S 1 42 42 0 -1 4194304 0")
	f.Add(") ) Z")
	f.Fuzz(func(_ *testing.T, stat string) { alive(stat) })
}
