package process

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// exitGrace is how long after a process's exit its descendants may go on printing into what the client gets.
const exitGrace = 200 * time.Millisecond

// pump reads one pipe or terminal of a process into its output.
//
// When does the output end? When the last writer has closed it, or, where descendants outlive the process and hold it open
// (`server &`), exitGrace after the process exited. Shells and `ssh` wait for ever there, `docker exec` cuts off at once. What was in
// the pipe when the grace ended still belongs to the output, so nothing that the process itself wrote is ever missing.
// What comes later is read and thrown away: descendants must not block on a full pipe, nor be killed by SIGPIPE.
type pump struct {
	kind streamKind
	from *os.File
	to   *output
	// complete is closed once all that belongs to the output was published.
	complete chan struct{}
	// ended is closed once the process has exited.
	ended chan struct{}
}

func startPump(kind streamKind, from *os.File, to *output) *pump {
	p := &pump{kind, from, to, make(chan struct{}), make(chan struct{})}
	go p.run()
	return p
}

// exited starts the grace.
func (p *pump) exited() {
	close(p.ended)
	// Fails only for a file that is closed: then run is over.
	_ = p.from.SetReadDeadline(time.Now().Add(exitGrace))
}

func (p *pump) run() {
	again := p.publishUntilDeadline()
	if again {
		p.publishRest()
	}
	close(p.complete)
	if again {
		p.discard()
	}
	// Not before: closing our side of a terminal hangs it up, and a program that closes its standard streams just before it exits (cat
	// does) would end by SIGHUP instead.
	<-p.ended
	_ = p.from.Close()
}

// publishUntilDeadline reads to the end of the stream, or until the grace has run out: then it returns true.
func (p *pump) publishUntilDeadline() bool {
	for {
		n, buffer, err := p.read()
		if n > 0 {
			p.publish(n, buffer)
			continue
		}
		return errors.Is(err, os.ErrDeadlineExceeded)
	}
}

// publish takes the buffer over.
func (p *pump) publish(n int, buffer *[chunkSize]byte) {
	if n >= chunkSize/2 {
		p.to.publish(p.kind, buffer[:n], buffer)
		return
	}
	p.to.publish(p.kind, buffer[:n], nil)
	chunkPool.Put(buffer)
}

// publishRest publishes what is in the pipe now, and at most as much as fits in one: a descendant that never stops printing cannot
// hold up the end.
func (p *pump) publishRest() {
	_ = p.from.SetReadDeadline(time.Time{})
	raw, err := p.from.SyscallConn()
	if err != nil {
		return
	}
	left := 0
	_ = raw.Control(func(fd uintptr) { left = capacity(int(fd)) })
	for left > 0 {
		buffer := chunkPool.Get().(*[chunkSize]byte)
		n := 0
		_ = raw.Control(func(fd uintptr) { n, _ = unix.Read(int(fd), buffer[:min(left, chunkSize)]) })
		if n <= 0 {
			chunkPool.Put(buffer)
			return
		}
		left -= n
		p.publish(n, buffer)
	}
}

func (p *pump) discard() {
	for {
		n, buffer, _ := p.read()
		if n <= 0 {
			return
		}
		chunkPool.Put(buffer)
	}
}

// read waits for data before it takes a buffer, so that a silent process costs none. n is 0 at the end of the stream, at an error
// (a terminal ends with EIO) and at the deadline.
func (p *pump) read() (n int, buffer *[chunkSize]byte, err error) {
	raw, err := p.from.SyscallConn()
	if err != nil {
		return 0, nil, err
	}
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		buffer = chunkPool.Get().(*[chunkSize]byte)
		for {
			n, failed = unix.Read(int(fd), buffer[:])
			if failed != unix.EINTR {
				break
			}
		}
		if n <= 0 {
			chunkPool.Put(buffer)
			n, buffer = 0, nil
		}
		return failed != unix.EAGAIN
	})
	if err == nil {
		err = failed
	}
	return n, buffer, err
}

// capacity of a pipe, in bytes; a terminal buffers less than the default of a pipe.
func capacity(fd int) int {
	if size, err := unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0); err == nil {
		return size
	}
	return 64 << 10
}
