package holder

import (
	"errors"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// relayBuffer is what one read may bring, in either direction.
const relayBuffer = 256 << 10

// relay carries bytes between the program and one connection at a time, a thread a direction, each in blocking system calls: for the small
// messages of a call that is faster than a poller and splice(2), which would need two calls and a pipe.
//
// While nobody is connected nothing is read from the program: it must wait, and cannot make this process work. What was on its way when
// a connection ended is dropped. The protocol on the stream starts each session with a handshake and throws away what comes before it.
type relay struct {
	program int
	// drained is closed when the program has closed its end, or for good when nobody is there to read the rest.
	drained chan struct{}

	mu      sync.Mutex
	changed *sync.Cond
	current *connection // nil while there is none
	ended   bool
}

// connection is read by one thread, which also closes it, and written by another.
type connection struct {
	fd int
	// writing is held during a write, which shutdown frees.
	writing sync.Mutex
	// state guards closed: after it the descriptor's number may be another file's.
	state  sync.Mutex
	closed bool
}

func newRelay(program int) *relay {
	r := &relay{program: program, drained: make(chan struct{})}
	r.changed = sync.NewCond(&r.mu)
	go r.fromProgram()
	return r
}

// serve takes connections until the listener is closed; each ends the one before.
func (r *relay) serve(l *listener) {
	var previous chan struct{}
	for {
		fd, err := l.accept()
		if err != nil {
			return
		}
		next := &connection{fd: fd}
		if old := r.replace(next); old != nil {
			old.shutdown()
		}
		// Nothing of the new connection goes in before the last byte of the old one.
		if previous != nil {
			<-previous
		}
		done := make(chan struct{})
		previous = done
		go func() {
			defer close(done)
			r.toProgram(next)
		}()
	}
}

// replace makes next the current connection.
func (r *relay) replace(next *connection) (old *connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old, r.current = r.current, next
	r.changed.Broadcast()
	return old
}

// forget makes c no longer the current connection, if it was.
func (r *relay) forget(c *connection) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == c {
		r.current = nil
	}
}

// await blocks until there is a connection; nil when the program has ended.
func (r *relay) await() *connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.current == nil && !r.ended {
		r.changed.Wait()
	}
	return r.current
}

func (r *relay) toProgram(c *connection) {
	defer func() {
		r.forget(c)
		c.shutdown()
		c.close()
	}()
	buffer := make([]byte, relayBuffer)
	for {
		n, err := read(c.fd, buffer)
		if n == 0 || err != nil {
			return
		}
		if err := writeAll(r.program, buffer[:n]); err != nil {
			return // the program has ended: Hold knows
		}
	}
}

func (r *relay) fromProgram() {
	defer close(r.drained)
	buffer := make([]byte, relayBuffer)
	for {
		if r.await() == nil {
			return
		}
		n, err := read(r.program, buffer)
		if n == 0 || err != nil {
			return
		}
		// Whoever is connected by now: the answer to a handshake is read after its question was relayed, so it finds the asker here.
		if c := r.await(); c != nil {
			c.write(buffer[:n])
		}
	}
}

// write drops what a connection that has ended does not take.
func (c *connection) write(p []byte) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if !c.closed { // set under both locks
		_ = writeAll(c.fd, p)
	}
}

// shutdown ends reads and writes that are under way.
func (c *connection) shutdown() {
	c.state.Lock()
	defer c.state.Unlock()
	if !c.closed {
		_ = unix.Shutdown(c.fd, unix.SHUT_RDWR) // ENOTCONN: the other side was first
	}
}

func (c *connection) close() {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.state.Lock()
	defer c.state.Unlock()
	c.closed = true
	_ = unix.Close(c.fd)
}

// end waits until what the program wrote last has gone out, at most for grace, and closes the connection.
func (r *relay) end(grace time.Duration) {
	r.mu.Lock()
	r.ended = true
	r.changed.Broadcast()
	current := r.current
	r.mu.Unlock()
	if current == nil {
		return
	}
	select {
	case <-r.drained:
	case <-time.After(grace):
	}
	current.shutdown()
}

func read(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Read(fd, p)
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

func writeAll(fd int, p []byte) error {
	for len(p) > 0 {
		n, err := unix.Write(fd, p)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}
