package holder

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// listener is a listening Unix socket with a blocking descriptor.
type listener struct {
	fd   int
	path string
	// left: the path stays when it is closed. Who has given up its rights cannot remove it, and must not be able to put another in its place.
	left bool
}

// listen makes the socket beside its path and moves it there once it listens: who sees it can connect. A stale one is replaced.
func listen(path string) (*listener, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	if err := bindAndListen(fd, path); err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", path, err), unix.Close(fd))
	}
	return &listener{fd: fd, path: path}, nil
}

func bindAndListen(fd int, path string) error {
	temporary := path + ".n" // short: a path in a socket's address has 107 bytes at most
	if err := os.Remove(temporary); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: temporary}); err != nil {
		return err
	}
	// Nobody connects before listen, so nobody gets in before this either.
	if err := os.Chmod(temporary, 0o600); err != nil {
		return err
	}
	if err := unix.Listen(fd, 16); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// acceptPause is how long accept waits before it asks a host again that is short of descriptors or memory.
const acceptPause = 50 * time.Millisecond

// sleep is a variable for the test of a shortage.
var sleep = time.Sleep

// accept blocks. It fails once the listener is closed.
func (l *listener) accept() (int, error) {
	for {
		fd, _, err := unix.Accept4(l.fd, unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			return fd, nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
			continue
		case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE), errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.ENOMEM):
			// The host is short of something, for now. Nothing tells when that is over; giving up would make the program unreachable for good.
			sleep(acceptPause)
			continue
		}
		return -1, err
	}
}

// close ends accept and removes the path, unless it is left.
func (l *listener) close() error {
	var err error
	if !l.left {
		err = os.Remove(l.path)
	}
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	// Shutdown wakes an accept that is under way, which Close alone would not. The descriptor is left to the end of the process: an
	// accept just about to start must not hit another file of the same number.
	return errors.Join(err, unix.Shutdown(l.fd, unix.SHUT_RDWR))
}
