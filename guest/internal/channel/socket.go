package channel

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// socket is a stream socket inherited from who started this program.
type socket struct{ *os.File }

// OpenSocket takes over descriptor fd, a connected stream socket. Its end is for good: who holds the other end keeps it open while hosts
// come and go.
func OpenSocket(fd int) (Stream, error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return nil, fmt.Errorf("channel: descriptor %d is no socket: %w", fd, err)
	}
	if kind != unix.SOCK_STREAM {
		return nil, fmt.Errorf("channel: descriptor %d is a socket of type %d, not a stream", fd, kind)
	}
	file, err := pollable(fd, "channel")
	if err != nil {
		return nil, err
	}
	return socket{file}, nil
}

func (socket) AwaitHost() error {
	return fmt.Errorf("channel: the socket's other end is closed: %w", io.ErrUnexpectedEOF)
}

// pollable makes a file of fd that waits in the runtime's poller, which is what gives it deadlines.
func pollable(fd int, name string) (*os.File, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, fmt.Errorf("channel: %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}
