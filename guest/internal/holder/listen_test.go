package holder

import (
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A host that is short of descriptors for a while must not make the program unreachable for good.
func TestAcceptOutlastsAShortage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	l, err := listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(l.fd)
	client, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var usual unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &usual); err != nil {
		t.Fatal(err)
	}
	restore := func() error { return unix.Setrlimit(unix.RLIMIT_NOFILE, &usual) }
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: usual.Max}); err != nil {
		t.Fatal(err)
	}
	pauses := 0
	sleep = func(time.Duration) {
		if pauses++; pauses == 2 {
			err = restore()
		}
	}
	defer func() { sleep = time.Sleep }()
	fd, failed := l.accept()
	if err := errors.Join(failed, err, restore()); err != nil || pauses != 2 {
		t.Fatalf("after %d pauses: %v", pauses, err)
	}
	_ = unix.Close(fd)
}
