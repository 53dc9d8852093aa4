package holder

import (
	"encoding/json"
	"sync"

	"golang.org/x/sys/unix"
)

// maxWatchers bounds the connections to the control socket; later ones are closed at once.
const maxWatchers = 64

// control tells everyone who is connected the program's pid, and how it ended. A line is far smaller than a socket's buffer: writing one
// never blocks.
type control struct {
	pid int

	mu       sync.Mutex
	watchers []int
	ended    bool
}

// Lines of the control socket, JSON objects.
type (
	startedLine struct {
		Pid int `json:"pid"`
	}
	exitedLine struct {
		ExitCode int `json:"exitCode"`
	}
	signalledLine struct {
		// Signal is its name, "SIGKILL".
		Signal string `json:"signal"`
	}
)

func newControl(pid int) *control { return &control{pid: pid} }

func (c *control) serve(l *listener) {
	for {
		fd, err := l.accept()
		if err != nil {
			return
		}
		c.add(fd)
	}
}

func (c *control) add(fd int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgetGone()
	if c.ended || len(c.watchers) == maxWatchers || say(fd, startedLine{c.pid}) != nil {
		_ = unix.Close(fd)
		return
	}
	c.watchers = append(c.watchers, fd)
}

// forgetGone drops watchers that have hung up: they are told nothing, so only a look tells.
func (c *control) forgetGone() {
	kept := c.watchers[:0]
	for _, fd := range c.watchers {
		look := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		if n, err := unix.Poll(look, 0); err == nil && n > 0 && look[0].Revents&(unix.POLLHUP|unix.POLLRDHUP|unix.POLLERR) != 0 {
			_ = unix.Close(fd)
			continue
		}
		kept = append(kept, fd)
	}
	c.watchers = kept
}

// end tells how the program ended. The connections are closed by the end of this process: who waits for that knows that it is gone.
func (c *control) end(status unix.WaitStatus) {
	var line any = exitedLine{status.ExitStatus()}
	if status.Signaled() {
		line = signalledLine{unix.SignalName(status.Signal())}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for _, fd := range c.watchers {
		_ = say(fd, line) // a watcher that has gone needs no word
	}
}

func say(fd int, line any) error {
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	return unix.Sendto(fd, append(text, '\n'), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
}
