package channel

import (
	"net"
	"sync"
	"time"
)

// conn is one session.
type conn struct {
	listener *Listener
	once     sync.Once
	over     chan struct{} // closed by end
	why      error         // written before over is closed
}

var _ net.Conn = (*conn)(nil)

func newConn(l *Listener) *conn { return &conn{listener: l, over: make(chan struct{})} }

// Read gives the session's bytes; io.EOF once it is over, for whatever reason.
func (c *conn) Read(p []byte) (int, error) { return c.listener.readFor(c, p) }

// Write blocks while the host does not read. It fails once the session is over, and what of p was not out by then never comes out.
func (c *conn) Write(p []byte) (int, error) {
	c.listener.writeLock.Lock()
	defer c.listener.writeLock.Unlock()
	if c.ended() {
		return 0, c.why
	}
	n, err := c.listener.stream.Write(p)
	if err != nil && c.ended() {
		err = c.why
	}
	return n, err
}

// Close ends the session; the stream stays. The host learns of it by what the session's protocol says, or not at all.
func (c *conn) Close() error {
	c.end(errClosed)
	return nil
}

// end is called by whoever is first to know that the session is over. A write that is stuck in the stream comes back: the next session's
// first write waits for that. It comes back before over is closed to Accept, so it cannot be that session's.
func (c *conn) end(why error) {
	c.once.Do(func() {
		c.why = why
		// It fails only for streams without deadlines, and there are none.
		_ = c.listener.stream.SetWriteDeadline(longAgo)
		close(c.over)
	})
}

func (c *conn) ended() bool {
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}

func (c *conn) LocalAddr() net.Addr  { return addr{} }
func (c *conn) RemoteAddr() net.Addr { return addr{} }

// Deadlines are not kept: they would be the stream's, which outlives the session and is fenced by them. HTTP/2 sets none on a
// connection of a server without time-outs.
func (c *conn) SetDeadline(time.Time) error      { return nil }
func (c *conn) SetReadDeadline(time.Time) error  { return nil }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }
