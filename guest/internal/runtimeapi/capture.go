package runtimeapi

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// maxCaptured is how much of each stream is kept: the answer is one JSON text, held in memory on both sides.
	maxCaptured = 8 << 20
	// drainFor is what the output that a program has left in its pipes may take to be read, when something that it started keeps them open.
	drainFor = 500 * time.Millisecond
)

// capture keeps the beginning of a stream and reads on to its end, however long that takes: a writer is never stopped, nor killed by a closed pipe.
type capture struct {
	// ended is closed at the end of the stream.
	ended chan struct{}

	mu      sync.Mutex
	kept    []byte
	dropped int64
}

func captured(stream *os.File) *capture {
	c := &capture{ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		defer stream.Close()
		buffer := make([]byte, 32<<10)
		for {
			n, err := stream.Read(buffer)
			c.add(buffer[:n])
			if err != nil {
				return
			}
		}
	}()
	return c
}

func (c *capture) add(data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	room := min(len(data), maxCaptured-len(c.kept))
	c.kept = append(c.kept, data[:room]...)
	c.dropped += int64(len(data) - room)
}

// text is what has been kept; what has not is noted. Nothing is kept from then on.
func (c *capture) text(name string, notes *strings.Builder) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dropped > 0 {
		fmt.Fprintf(notes, "[%s: only the first %d bytes are here, %d more were dropped]\n", name, len(c.kept), c.dropped)
	}
	text := string(c.kept)
	c.kept = nil
	return text
}
