package channel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// PortName is the name that the host gives to the virtio-serial port of the channel.
const PortName = "dev.bulkhead.channel"

// port is a virtio-serial port: a character device whose reads return nothing, at once, while no host is there.
type port struct {
	*os.File
	// wakes is an epoll instance that has the port alone, edge-triggered: level-triggered, it would fire for as long as nobody is there.
	wakes *os.File
}

// OpenPort opens the virtio-serial port of that name. Source: /sys/class/virtio-ports/*/name.
func OpenPort(name string) (Stream, error) {
	device, err := findPort("/sys/class/virtio-ports", name)
	if err != nil {
		return nil, err
	}
	path := filepath.Join("/dev", device)
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("channel: open %s: %w", path, err)
	}
	wakes, err := watchEdges(fd)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("channel: watch %s: %w", path, err), unix.Close(fd))
	}
	file, err := pollable(fd, path)
	if err != nil {
		return nil, err
	}
	return port{file, wakes}, nil
}

// watchEdges makes an epoll instance that is itself waited for in the runtime's poller.
func watchEdges(fd int) (*os.File, error) {
	events, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	interest := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLET, Fd: int32(fd)}
	if err := unix.EpollCtl(events, unix.EPOLL_CTL_ADD, fd, &interest); err != nil {
		return nil, errors.Join(err, unix.Close(events))
	}
	return pollable(events, "epoll")
}

func findPort(class, name string) (device string, err error) {
	ports, err := os.ReadDir(class)
	if err != nil {
		return "", fmt.Errorf("channel: no virtio-serial ports: %w", err)
	}
	var seen []string
	for _, entry := range ports {
		text, err := os.ReadFile(filepath.Join(class, entry.Name(), "name"))
		if err != nil {
			continue // a port without a name
		}
		if found := strings.TrimSpace(string(text)); found == name {
			return entry.Name(), nil
		} else {
			seen = append(seen, found)
		}
	}
	return "", fmt.Errorf("channel: no virtio-serial port is named %q, only %q", name, seen)
}

// SetReadDeadline is also AwaitHost's.
func (p port) SetReadDeadline(t time.Time) error {
	return errors.Join(p.File.SetReadDeadline(t), p.wakes.SetReadDeadline(t))
}

// AwaitHost sleeps until the driver, which wakes the port's waiters at every change, says that the other end is open: EPOLLHUP is gone.
func (p port) AwaitHost() error {
	raw, err := p.wakes.SyscallConn()
	if err != nil {
		return fmt.Errorf("channel: %w", err)
	}
	var failed error
	err = raw.Read(func(events uintptr) bool {
		var happened [1]unix.EpollEvent
		n, err := unix.EpollWait(int(events), happened[:], 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			failed = err
			return true
		}
		return n == 1 && happened[0].Events&unix.EPOLLHUP == 0
	})
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("channel: await the host: %w", err)
	}
	return nil
}
