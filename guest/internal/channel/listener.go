package channel

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// readSize is how much one read of the stream may bring. virtio-serial gives at most a page a read, a socket as much as there is.
	readSize = 256 << 10
	// holdFor is how long bytes that look like the start of a handshake wait for the rest of it.
	holdFor = 20 * time.Millisecond
)

// Listener is a net.Listener whose connections follow each other: one is at its end before the next is there.
//
// Whoever needs bytes reads the stream itself, under readLock, into the listener's one buffer: mostly the session's reader, with no
// goroutine in between; between sessions, Accept. Bytes belong to the stream, not to who read them: a reader left over from a dead
// session leaves what it got to its successor.
type Listener struct {
	stream Stream

	// readLock guards all that has to do with reading, up to the blank line. It is held during a blocking read.
	readLock sync.Mutex
	buffer   []byte
	scanner  scanner
	before   []byte // unread bytes of the session; these first
	session  []byte // then these; shares buffer's memory
	rest     []byte // not scanned yet; shares buffer's memory
	nonce    string // of an opening line that Accept has not taken yet

	// writeLock is held during a write. A session asks under it whether it still lives.
	writeLock sync.Mutex

	current *conn // Accept's own
	closed  chan struct{}

	// stateLock guards what Close and the reading side tell each other.
	stateLock sync.Mutex
	isClosed  bool
	accepting bool // no session is alive: reads are Accept's, and Close may break them off
}

var _ net.Listener = (*Listener)(nil)

// NewListener serves handshakes that carry what key returns at that moment.
func NewListener(stream Stream, key func() string) *Listener {
	return &Listener{
		stream:  stream,
		buffer:  make([]byte, readSize),
		scanner: scanner{key: key},
		closed:  make(chan struct{}),
	}
}

// Accept waits for the session before to end and for the next handshake. It fails when no host can come back, and after Close.
func (l *Listener) Accept() (net.Conn, error) {
	if l.current != nil {
		select {
		case <-l.current.over:
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
	if !l.startAccepting() {
		return nil, net.ErrClosed
	}
	// A reader left over from that session may hold this until the next byte arrives. It leaves the byte to us.
	l.readLock.Lock()
	defer l.readLock.Unlock()
	for {
		opened, err := l.shakeHands()
		if errors.Is(err, io.EOF) {
			err = l.stream.AwaitHost()
		}
		switch {
		case opened && l.stopAccepting():
			l.current = newConn(l)
			return l.current, nil
		case l.hasClosed():
			return nil, net.ErrClosed
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			return nil, err
		}
	}
}

// Close makes Accept fail. A session that is open goes on, and so does the stream: it is not the listener's.
func (l *Listener) Close() error {
	l.stateLock.Lock()
	defer l.stateLock.Unlock()
	if l.isClosed {
		return nil
	}
	l.isClosed = true
	close(l.closed)
	if l.accepting {
		return l.stream.SetReadDeadline(longAgo)
	}
	return nil
}

// longAgo frees calls that are stuck.
var longAgo = time.Unix(1, 0)

func (l *Listener) startAccepting() bool {
	l.stateLock.Lock()
	defer l.stateLock.Unlock()
	l.accepting = !l.isClosed
	return l.accepting
}

func (l *Listener) stopAccepting() bool {
	l.stateLock.Lock()
	defer l.stateLock.Unlock()
	l.accepting = false
	return !l.isClosed
}

func (l *Listener) hasClosed() bool {
	l.stateLock.Lock()
	defer l.stateLock.Unlock()
	return l.isClosed
}

// Addr names the stream.
func (l *Listener) Addr() net.Addr { return addr{} }

type addr struct{}

func (addr) Network() string { return "bulkhead" }
func (addr) String() string  { return "channel" }

// readFor is a session's Read.
func (l *Listener) readFor(c *conn, p []byte) (int, error) {
	l.readLock.Lock()
	defer l.readLock.Unlock()
	for len(p) > 0 && !c.ended() {
		if n := l.take(p); n > 0 {
			return n, nil
		}
		if l.nonce != "" {
			c.end(errReplaced)
		} else if err := l.fill(); err != nil {
			c.end(errHostLeft)
		}
	}
	if len(p) == 0 {
		return 0, nil
	}
	return 0, io.EOF
}

// take gives out bytes that belong to the session. Called under readLock.
func (l *Listener) take(p []byte) int {
	from := &l.session
	if len(l.before) > 0 {
		from = &l.before
	}
	n := copy(p, *from)
	*from = (*from)[n:]
	return n
}

// fill scans what is next, after all before it has been given out; it may bring no session bytes. Fails with io.EOF when the host has
// left. Called under readLock.
func (l *Listener) fill() error {
	if len(l.rest) == 0 {
		n, err := l.read()
		if err != nil {
			return err
		}
		l.rest = l.buffer[:n]
	}
	found := l.scanner.scan(l.rest)
	l.before, l.session, l.nonce, l.rest = append(l.before, found.before...), found.session, found.nonce, found.rest
	return nil
}

// read reads once. While the scanner holds bytes back it waits for a moment only: the session may be waiting for just those.
func (l *Listener) read() (int, error) {
	if !l.scanner.holding() {
		return l.stream.Read(l.buffer)
	}
	if err := l.setReadDeadline(time.Now().Add(holdFor)); err != nil {
		return 0, err
	}
	n, err := l.stream.Read(l.buffer)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		l.before = l.scanner.release()
		err = nil
	}
	return n, errors.Join(err, l.setReadDeadline(time.Time{}))
}

// setReadDeadline leaves the deadline alone by which Close breaks off reading.
func (l *Listener) setReadDeadline(t time.Time) error {
	l.stateLock.Lock()
	defer l.stateLock.Unlock()
	if l.isClosed && l.accepting {
		return nil
	}
	return l.stream.SetReadDeadline(t)
}
