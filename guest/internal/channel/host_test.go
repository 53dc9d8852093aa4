package channel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// streamPair is the byte stream: the guest's end, and the host's.
func streamPair(t *testing.T) (Stream, *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	guest, err := OpenSocket(pair[0])
	if err != nil {
		t.Fatal(err)
	}
	outside, err := pollable(pair[1], "host")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		outside.Close()
		guest.(socket).Close()
	})
	return guest, outside
}

// host is what stands at the other end: it relays to one session at a time, as the holder and QEMU do.
type host struct {
	stream *os.File
	mu     sync.Mutex
	now    *hostSession
}

func newHost(stream *os.File) *host {
	h := &host{stream: stream}
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, err := stream.Read(buffer)
			if err != nil {
				return
			}
			h.mu.Lock()
			now := h.now
			h.mu.Unlock()
			if now != nil {
				_, _ = now.in.Write(buffer[:n]) // fails once the session is closed
			}
		}
	}()
	return h
}

// hostSession is one connection of a host. It vanishes without a word when it is closed.
type hostSession struct {
	net.Conn // only for the methods that nobody calls
	host     *host
	out      *io.PipeReader
	in       *io.PipeWriter
	read     io.Reader

	mu     sync.Mutex
	closed bool
}

// open starts a session. It ends the one before, and shakes hands.
func (h *host) open(key, nonce string) (*hostSession, error) {
	s := &hostSession{host: h}
	s.out, s.in = io.Pipe()
	h.mu.Lock()
	old := h.now
	h.now = s
	h.mu.Unlock()
	if old != nil {
		old.Close()
	}
	// The host repeats itself until it is answered.
	if _, err := io.WriteString(h.stream, openingLine(key, nonce)+openingLine(key, nonce)); err != nil {
		return nil, err
	}
	if err := s.await("\nOK " + nonce + "\n"); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(h.stream, "\nGO "+nonce+"\n"); err != nil {
		return nil, err
	}
	return s, s.await("\nGO " + nonce + "\n")
}

// await throws away what comes up to and including line. What came with its end is read first afterwards.
func (s *hostSession) await(line string) error {
	var seen []byte
	buffer := make([]byte, 64<<10)
	from := io.Reader(s.out)
	if s.read != nil {
		from = s.read
	}
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return fmt.Errorf("while waiting for %q: %w", line, err)
		}
		seen = append(seen, buffer[:n]...)
		if _, rest, found := bytes.Cut(seen, []byte(line)); found {
			s.read = io.MultiReader(bytes.NewReader(bytes.Clone(rest)), s.out)
			return nil
		}
	}
}

func (s *hostSession) Read(p []byte) (int, error) { return s.read.Read(p) }

// Write writes half of p and fails once the session is closed: a host vanishes in mid-frame.
func (s *hostSession) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, net.ErrClosed
	}
	return s.host.stream.Write(p)
}

// vanishIn writes a part of a frame, and no more.
func (s *hostSession) vanishIn(part []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		_, _ = s.host.stream.Write(part)
	}
	s.closed = true
	s.in.CloseWithError(net.ErrClosed)
}

func (s *hostSession) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return errors.Join(s.in.CloseWithError(net.ErrClosed), s.out.Close())
}
