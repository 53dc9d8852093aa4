// Package reap starts processes and collects how they ended, in a program that may be PID 1.
//
// PID 1 inherits every orphan of the system and has to collect it too, so nobody else may wait: os/exec's own Wait would race with
// wait4(-1) for the status. Start a process here and wait for it here. What Wait of os/exec does besides does not happen: give the
// command *os.File for its standard streams (a Reader or Writer would need copying goroutines that only Wait joins), close your ends
// of pipes yourself, and use no CommandContext.
package reap

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Child is a started process. It is a zombie at most until the reaper gets to it.
type Child struct {
	// Pid is the process's id. It may name another process once Done is closed: signal through Signal.
	Pid int

	process *os.Process
	done    chan struct{}
	status  unix.WaitStatus // written before done is closed
}

// Wait returns how the process ended, once it has. Any number of callers may wait.
func (c *Child) Wait() unix.WaitStatus {
	<-c.done
	return c.status
}

// Done is closed when the process has ended and been collected.
func (c *Child) Done() <-chan struct{} { return c.done }

// Signal sends sig to the process alone. Fails with os.ErrProcessDone when it has ended.
func (c *Child) Signal(sig unix.Signal) error {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	return c.signalLocked(sig)
}

// SignalGroup sends sig to the process group that the process leads (it must have been started with Setpgid or Setsid). Members outlive
// their leader: it is tried also when that has ended, but only while the group exists, so that the number cannot have been given away.
func (c *Child) SignalGroup(sig unix.Signal) error {
	err := unix.Kill(-c.Pid, sig)
	if errors.Is(err, unix.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

func (c *Child) signalLocked(sig unix.Signal) error {
	select {
	case <-c.done:
		return os.ErrProcessDone
	default:
		return c.process.Signal(sig)
	}
}

// Start starts cmd and registers it, so that no exit is missed however soon. Errors are those of exec.Cmd.Start.
func Start(cmd *exec.Cmd) (*Child, error) { return shared.start(cmd) }

var shared = newReaper(os.Getpid() == 1)

type reaper struct {
	// all: collect every process with wait4(-1), as PID 1 has to.
	all  bool
	once sync.Once

	mu       sync.Mutex
	children map[int]*Child
	// starting counts forks whose pid is not registered yet; early keeps what ended meanwhile and may be one of theirs. Starts are not
	// held under the lock: an exec from a hanging FUSE mount would stop all reaping.
	starting int
	early    map[int]unix.WaitStatus
}

func newReaper(all bool) *reaper {
	return &reaper{all: all, children: map[int]*Child{}, early: map[int]unix.WaitStatus{}}
}

func (r *reaper) start(cmd *exec.Cmd) (*Child, error) {
	if r.all {
		r.once.Do(r.listen)
	}
	r.mu.Lock()
	r.starting++
	r.mu.Unlock()

	process, err := startInCgroup(cmd)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.starting--
	defer r.forgetEarly()
	if err != nil {
		return nil, err
	}
	child := &Child{Pid: process.Pid, process: process, done: make(chan struct{})}
	inheritNoProtection(child.Pid)
	if !r.all {
		go child.waitAlone()
		return child, nil
	}
	if status, ended := r.early[child.Pid]; ended && errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone) {
		// Asked for by pidfd: an orphan that bore the same number before does not count.
		delete(r.early, child.Pid)
		child.end(status)
		return child, nil
	}
	r.children[child.Pid] = child
	return child, nil
}

func (r *reaper) forgetEarly() {
	if r.starting == 0 {
		clear(r.early)
	}
}

// listen collects at every SIGCHLD. One signal may stand for many processes: each time until none is left.
func (r *reaper) listen() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	go func() {
		r.collect() // what ended before the signal was asked for
		for range ended {
			r.collect()
		}
	}()
}

func (r *reaper) collect() {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil || pid <= 0: // ECHILD: no children; 0: none has ended
			return
		}
		r.deliver(pid, status)
	}
}

func (r *reaper) deliver(pid int, status unix.WaitStatus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if child, ours := r.children[pid]; ours {
		delete(r.children, pid)
		child.end(status)
		return
	}
	if r.starting > 0 {
		r.early[pid] = status
	}
}

func (c *Child) waitAlone() {
	for {
		var status unix.WaitStatus
		_, err := unix.Wait4(c.Pid, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		shared.mu.Lock()
		c.end(status)
		shared.mu.Unlock()
		return
	}
}

// end is called with the lock held.
func (c *Child) end(status unix.WaitStatus) {
	c.status = status
	close(c.done)
	// Gives back the pidfd. Signal checks done first, under the same lock.
	_ = c.process.Release()
}

// Collect starts collecting orphans at once, instead of at the first Start. For PID 1; elsewhere it does nothing.
func Collect() {
	if shared.all {
		shared.once.Do(shared.listen)
	}
}

// inheritNoProtection undoes what the child got from an agent that the OOM killer must not take. It is a race of some microseconds
// with what the child starts itself; root in the guest could protect itself anyway.
func inheritNoProtection(pid int) {
	if !protected() {
		return
	}
	// The process may have ended meanwhile: nothing to undo then.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("0"), 0)
}

// protected says whether this process has a lowered oom_score_adj.
var protected = sync.OnceValue(func() bool {
	own, err := os.ReadFile("/proc/self/oom_score_adj")
	return err == nil && len(own) > 0 && own[0] == '-'
})
