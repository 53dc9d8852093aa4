package process

import (
	"sync"

	processv1 "bulkhead.dev/guest/internal/gen/process"
)

// Bounds of one process's output in the agent's memory, in bytes.
const (
	// maxBuffered is how far the slowest reader may be behind before the process is made to wait.
	maxBuffered = 512 << 10
	// maxTail is what is kept for the next reader while there is none.
	maxTail = 64 << 10
	// chunkSize is the most that is read, kept and sent in one piece. Above it throughput no longer grows.
	chunkSize = 64 << 10
)

type streamKind uint8

const (
	stdout streamKind = iota
	stderr
	terminal
)

// output is what a process prints, in the order in which it was read, between the pumps that read its pipes and the clients that follow it.
//
// It loses no byte that a reader is there for: every reader has a place of its own in one sequence of chunks, and when the slowest
// is maxBuffered behind, publish waits; the pipe fills, and the process blocks in its write, as it would with a slow `less`. Readers of
// other processes, and other streams of the same client, have nothing to do with this wait.
//
// Without a reader nothing waits, for a program must not stall because nobody looks: the last maxTail bytes are kept, older ones
// are dropped. The next reader starts at the oldest byte that was kept and not given to anybody; so one that lost its connection
// and comes back soon misses only what was already on its way to it. A reader that comes while another is there starts at what is printed from then on.
type output struct {
	mu     sync.Mutex
	room   sync.Cond // for publishers: buffered sank, or the number of readers changed
	chunks []*chunk
	// first is the number of chunks[0]; numbers only grow.
	first    uint64
	buffered int // sum of the chunks' capacities
	readers  map[*reader]struct{}
	end      *processv1.ProcessEvent_EndEvent
	// endDelivered: a reader has had the end.
	endDelivered bool
}

// chunk only ever grows: bytes once in data do not change, so a reader may send them while more are appended behind.
type chunk struct {
	kind streamKind
	data []byte
	// sealed: a reader has gone past it, so it must not grow any more.
	sealed bool
}

var chunkPool = sync.Pool{New: func() any { return new([chunkSize]byte) }}

func newOutput() *output {
	o := &output{readers: map[*reader]struct{}{}}
	o.room.L = &o.mu
	return o
}

// reader is one client's place in the output. It belongs to one goroutine.
type reader struct {
	from *output
	// next chunk to give, and how much of it was given.
	next   uint64
	offset int
	// wake holds a token once something changed since the reader last looked.
	wake chan struct{}
}

// join adds a reader. It must leave.
func (o *output) join() *reader {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := &reader{from: o, next: o.first, wake: make(chan struct{}, 1)}
	if len(o.readers) > 0 && len(o.chunks) > 0 {
		last := len(o.chunks) - 1
		r.next, r.offset = o.first+uint64(last), len(o.chunks[last].data)
	}
	o.readers[r] = struct{}{}
	return r
}

// leave forgets the reader; what only it still needed becomes the tail.
func (r *reader) leave() {
	o := r.from
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.readers, r)
	if len(o.readers) == 0 {
		// What was given already is not given again.
		o.discardBefore(r.next)
		if len(o.chunks) > 0 {
			given := o.chunks[0]
			rest := append([]byte(nil), given.data[r.offset:]...)
			o.buffered += cap(rest) - cap(given.data)
			o.chunks[0] = &chunk{kind: given.kind, data: rest}
		}
	}
	o.trim()
	o.room.Broadcast()
}

// publish adds data to the output; it may wait for the slowest reader. buffer is data's whole backing array when the caller gives it
// away (and must use it no more), else nil and data is copied.
func (o *output) publish(kind streamKind, data []byte, buffer *[chunkSize]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.readers) > 0 && o.buffered >= maxBuffered {
		o.room.Wait()
	}
	if o.end != nil {
		return
	}
	switch last := o.last(); {
	case buffer != nil:
		o.push(&chunk{kind: kind, data: buffer[:len(data)]})
	case last != nil && !last.sealed && last.kind == kind && len(last.data)+len(data) <= chunkSize:
		before := cap(last.data)
		last.data = append(last.data, data...)
		o.buffered += cap(last.data) - before
	default:
		o.push(&chunk{kind: kind, data: append([]byte(nil), data...)})
	}
	o.trim()
	o.wakeReaders()
}

func (o *output) last() *chunk {
	if len(o.chunks) == 0 {
		return nil
	}
	return o.chunks[len(o.chunks)-1]
}

func (o *output) push(c *chunk) {
	o.chunks = append(o.chunks, c)
	o.buffered += cap(c.data)
}

// finish makes end the last event. Output published later is dropped.
func (o *output) finish(end *processv1.ProcessEvent_EndEvent) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.end = end
	o.wakeReaders()
}

// trim drops what every reader has had, or, without readers, what is more than the tail.
func (o *output) trim() {
	if len(o.readers) > 0 {
		slowest := o.first + uint64(len(o.chunks))
		for r := range o.readers {
			slowest = min(slowest, r.next)
		}
		o.discardBefore(slowest)
		return
	}
	for o.buffered > maxTail && len(o.chunks) > 1 {
		o.discardBefore(o.first + 1)
	}
}

func (o *output) discardBefore(number uint64) {
	for o.first < number && len(o.chunks) > 0 {
		gone := o.chunks[0]
		o.chunks[0] = nil
		o.chunks = o.chunks[1:]
		o.first++
		o.buffered -= cap(gone.data)
		if cap(gone.data) == chunkSize {
			chunkPool.Put((*[chunkSize]byte)(gone.data[:chunkSize]))
		}
	}
	if len(o.chunks) == 0 {
		o.chunks = nil
	}
}

func (o *output) wakeReaders() {
	for r := range o.readers {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// take gives what is there now: the next data, or the end, or neither. data stays valid until the next take or leave.
func (r *reader) take() (kind streamKind, data []byte, end *processv1.ProcessEvent_EndEvent) {
	o := r.from
	o.mu.Lock()
	defer o.mu.Unlock()
	before := r.next
	for index := int(r.next - o.first); index < len(o.chunks); index++ {
		c := o.chunks[index]
		if r.offset < len(c.data) {
			kind, data = c.kind, c.data[r.offset:]
			r.offset = len(c.data)
			break
		}
		c.sealed = true
		r.next, r.offset = r.next+1, 0
	}
	if r.next != before {
		o.trim()
		o.room.Broadcast()
	}
	if data == nil {
		end = o.end
	}
	return kind, data, end
}

// delivered says that a client was sent the end: nobody needs to be told again.
func (r *reader) delivered() {
	r.from.mu.Lock()
	defer r.from.mu.Unlock()
	r.from.endDelivered = true
}

// unheard says whether the output's end has not reached any reader.
func (o *output) unheard() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.endDelivered
}
