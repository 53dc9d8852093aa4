package server

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// connections knows what is open and busy. The zero value is ready.
type connections struct {
	mu   sync.Mutex
	open map[*conn]struct{}
	// changed is closed at the next change; nil while nobody waits for it.
	changed chan struct{}
}

// conn is a connection that tells of its writes. Its fields are guarded by connections.mu.
type conn struct {
	net.Conn
	owner  *connections
	active bool
	// unflushed until the next write is done.
	unflushed bool
}

// Write notes that what was buffered for the connection is out.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.owner.update(func() { c.unflushed = false })
	return n, err
}

// listener makes its connections known to owner.
type listener struct {
	net.Listener
	owner *connections
}

func (l listener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: accepted, owner: l.owner}, nil
}

// note is an http.Server's ConnState.
func (c *connections) note(accepted net.Conn, state http.ConnState) {
	noted, ours := accepted.(*conn)
	if !ours {
		return
	}
	c.update(func() {
		noted.active = state == http.StateActive
		if state == http.StateClosed || state == http.StateHijacked {
			delete(c.open, noted)
			return
		}
		if c.open == nil {
			c.open = map[*conn]struct{}{}
		}
		c.open[noted] = struct{}{}
	})
}

func (c *connections) update(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// await blocks until there is no connection that is, or ctx ends.
func (c *connections) await(ctx context.Context, is func(*conn) bool) {
	for {
		changed := c.unlessNone(is)
		if changed == nil {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// unlessNone gives what is closed at the next change, or nil when there is no connection that is.
func (c *connections) unlessNone(is func(*conn) bool) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	for one := range c.open {
		if is(one) {
			if c.changed == nil {
				c.changed = make(chan struct{})
			}
			return c.changed
		}
	}
	return nil
}

// markUnflushed marks every connection, until its next write.
func (c *connections) markUnflushed() {
	c.update(func() {
		for one := range c.open {
			one.unflushed = true
		}
	})
}

func (c *connections) closeAllBut(keep net.Conn) {
	c.mu.Lock()
	var others []net.Conn
	for one := range c.open {
		if one != keep {
			others = append(others, one)
		}
	}
	c.mu.Unlock()
	for _, one := range others {
		_ = one.Close() // its reader finds out, and the server forgets it
	}
}

type connKey struct{}

func withConn(ctx context.Context, accepted net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, accepted)
}

func connOf(ctx context.Context) net.Conn {
	accepted, _ := ctx.Value(connKey{}).(net.Conn)
	return accepted
}
