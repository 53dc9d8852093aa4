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
	open map[net.Conn]http.ConnState
	// idle is closed when nothing is busy; nil while nobody waits for it.
	idle chan struct{}
}

// note is an http.Server's ConnState. An HTTP/2 connection is idle once the last frame of its last answer has been written.
func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
	default:
		if c.open == nil {
			c.open = map[net.Conn]http.ConnState{}
		}
		c.open[conn] = state
	}
	if c.idle != nil && !c.busy() {
		close(c.idle)
		c.idle = nil
	}
}

func (c *connections) busy() bool {
	for _, state := range c.open {
		if state == http.StateActive {
			return true
		}
	}
	return false
}

// allIdle is closed once no answer is under way.
func (c *connections) allIdle() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle == nil {
		c.idle = make(chan struct{})
	}
	idle := c.idle
	if !c.busy() {
		close(c.idle)
		c.idle = nil
	}
	return idle
}

func (c *connections) closeAllBut(keep net.Conn) {
	c.mu.Lock()
	var others []net.Conn
	for conn := range c.open {
		if conn != keep {
			others = append(others, conn)
		}
	}
	c.mu.Unlock()
	for _, conn := range others {
		_ = conn.Close() // its reader finds out, and the server forgets it
	}
}

type connKey struct{}

func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

func connOf(ctx context.Context) net.Conn {
	conn, _ := ctx.Value(connKey{}).(net.Conn)
	return conn
}
