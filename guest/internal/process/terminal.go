package process

import (
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	processv1 "bulkhead.dev/guest/internal/gen/process"
)

// openTerminal makes a pseudo-terminal: master is ours, slave the child's. (The usual library hands out the master's descriptor by Fd, which races with
// Close in another goroutine.)
func openTerminal() (master, slave *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err}
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "/dev/ptmx"), slave, nil
}

// resize sets the size in characters; the terminal's foreground programs get SIGWINCH.
func resize(terminal *os.File, size *processv1.PTY_Size) error {
	const most = 1<<16 - 1
	raw, err := terminal.SyscallConn()
	if err != nil {
		return err
	}
	wanted := &unix.Winsize{Col: uint16(min(size.GetCols(), most)), Row: uint16(min(size.GetRows(), most))}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, wanted) })
	return errors.Join(err, failed)
}
