package holder

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Options of Hold.
type Options struct {
	// Listen and Control are paths of Unix sockets that Hold makes, readable by its user alone.
	Listen, Control string
	// Log is the file for the program's output, made by Hold or appended to.
	Log string
	// User is who this process becomes for good once it listens and the program runs, in the group of the same number; 0: it stays who it is.
	// It relays what a hostile guest sends; the program is started before, because it needs the rights that it gives up by itself. The sockets
	// then stay in their folder, for its owner to remove: whoever is that user must not be able to put others in their place.
	User int
	// Command is the program and its arguments.
	Command []string
}

// lastWords is how long what the program wrote before its end may take to reach whoever reads it.
const lastWords = 1 * time.Second

// signalPause is how long a signal waits for a program that is still root to become the user that this process is.
const signalPause = 10 * time.Millisecond

// Hold runs the program with one end of a socket pair as its standard input, and relays between the other end and whoever is connected to
// Listen, until the program ends. Descriptors that this process has inherited are the program's too. SIGTERM and SIGINT are passed on.
// It returns nil however the program ended: that is told on Control.
func Hold(options Options) (err error) {
	if options.User < 0 {
		return fmt.Errorf("%d is no user: the system takes -1 for whoever this is, root", options.User)
	}
	outside, inside, err := socketPair()
	if err != nil {
		return err
	}
	defer unix.Close(outside)
	log, err := startLog(options.Log)
	if err != nil {
		inside.Close()
		return err
	}
	streams, err := listen(options.Listen)
	if err != nil {
		return errors.Join(err, inside.Close(), log.end(0))
	}
	defer func() { err = errors.Join(err, streams.close()) }()

	// Before the start: a signal that comes during it must not end this process alone.
	asked := make(chan os.Signal, 4)
	signal.Notify(asked, unix.SIGTERM, unix.SIGINT)
	defer signal.Stop(asked)

	program := exec.Command(options.Command[0], options.Command[1:]...)
	program.Stdin, program.Stdout, program.Stderr = inside, log.input, log.input
	err = program.Start()
	// The program's ends are the program's alone, so that its end is seen here.
	err = errors.Join(err, inside.Close(), log.input.Close())
	if err != nil {
		return errors.Join(err, log.end(0))
	}
	ended := make(chan unix.WaitStatus, 1)
	go func() { ended <- wait(program) }()

	// Nobody is answered yet: whoever is told the pid finds this process without its rights.
	controls, err := listen(options.Control)
	if err == nil && options.User != 0 {
		if err = dropTo(options.User); err != nil {
			err = errors.Join(err, controls.close())
		} else {
			streams.left, controls.left = true, true
		}
	}
	if err != nil {
		_ = program.Process.Kill()
		<-ended
		return err
	}
	defer func() { err = errors.Join(err, controls.close()) }()
	relay := newRelay(outside)
	go relay.serve(streams)
	control := newControl(program.Process.Pid)
	go control.serve(controls)

	for {
		select {
		case sig := <-asked:
			err := program.Process.Signal(sig)
			if errors.Is(err, unix.EPERM) {
				// It has not given up its rights yet, which this process has: it is about to.
				time.AfterFunc(signalPause, func() { asked <- sig })
			} else if err != nil && !errors.Is(err, os.ErrProcessDone) {
				return err
			}
		case status := <-ended:
			relay.end(lastWords)
			err := log.end(lastWords)
			control.end(status)
			return err
		}
	}
}

func wait(program *exec.Cmd) unix.WaitStatus {
	// The error says in words what the status says.
	_ = program.Wait()
	status, _ := program.ProcessState.Sys().(syscall.WaitStatus)
	return unix.WaitStatus(status)
}

// socketPair: outside stays raw and blocking, for the relay; inside goes to the program.
func socketPair() (outside int, inside *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, fmt.Errorf("socketpair: %w", err)
	}
	return pair[0], os.NewFile(uintptr(pair[1]), "stream"), nil
}
