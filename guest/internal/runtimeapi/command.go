package runtimeapi

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/reap"
)

// result is what the client is told.
type result struct {
	Stdout   string `json:"stdout"`
	Stderr   string `json:"stderr"`
	ExitCode int    `json:"exit_code"`
	TimedOut bool   `json:"timed_out,omitempty"`
}

const failureCode = 1

func failed(why string) result { return result{Stderr: why + "\n", ExitCode: failureCode} }

// run runs a program to its end, with nothing to read, as the leader of a process group. At the limit, and when ctx ends because the client has left,
// the whole group is killed. What the program leaves running in the background lives on.
func run(ctx context.Context, words []string, dir string, limit time.Duration) result {
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	child, stdout, stderr, err := start(cmd)
	if err != nil {
		return failed(err.Error())
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	timedOut := false
	select {
	case <-child.Done():
	case <-timer.C:
		timedOut = true
		_ = child.SignalGroup(unix.SIGKILL) // it may have ended meanwhile
	case <-ctx.Done():
		_ = child.SignalGroup(unix.SIGKILL)
	}
	status := child.Wait()
	drained, cancel := context.WithTimeout(context.Background(), drainFor)
	defer cancel()
	for _, stream := range []*capture{stdout, stderr} {
		select {
		case <-stream.ended:
		case <-drained.Done():
		}
	}
	var out result
	var notes strings.Builder
	out.Stdout = stdout.text("stdout", &notes)
	out.Stderr = stderr.text("stderr", &notes)
	out.ExitCode = exitCode(status)
	if timedOut {
		out.ExitCode, out.TimedOut = failureCode, true
		fmt.Fprintf(&notes, "Command timed out after %g seconds\n", limit.Seconds())
	}
	if notes.Len() > 0 && out.Stderr != "" && !strings.HasSuffix(out.Stderr, "\n") {
		out.Stderr += "\n"
	}
	out.Stderr += notes.String()
	return out
}

// start gives the program pipes of its own: reap needs files, and what the program leaves behind may go on writing to them.
func start(cmd *exec.Cmd) (child *reap.Child, stdout, stderr *capture, err error) {
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, nil, err
	}
	defer nothing.Close()
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, err
	}
	defer outWrite.Close()
	errRead, errWrite, err := os.Pipe()
	if err != nil {
		outRead.Close()
		return nil, nil, nil, err
	}
	defer errWrite.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nothing, outWrite, errWrite
	child, err = reap.Start(cmd)
	if err != nil {
		outRead.Close()
		errRead.Close()
		return nil, nil, nil, err
	}
	return child, captured(outRead), captured(errRead), nil
}

// exitCode is as in a shell: 128 and the signal's number for a program that a signal ended.
func exitCode(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}
