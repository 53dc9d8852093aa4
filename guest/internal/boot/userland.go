package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/machine"
)

// makeFolders makes what every program expects and an image may lack.
func makeFolders(*booted) error {
	for _, folder := range []struct {
		path string
		mode os.FileMode
	}{
		{"/etc", 0o755},
		{"/tmp", 0o777 | os.ModeSticky},
		{"/var/tmp", 0o777 | os.ModeSticky},
		{"/run/lock", 0o777 | os.ModeSticky},
	} {
		if _, err := os.Stat(folder.path); err == nil {
			continue
		}
		if err := os.MkdirAll(folder.path, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(folder.path, folder.mode); err != nil { // MkdirAll's mode is cut by the umask and knows no sticky bit
			return err
		}
	}
	return nil
}

// linkDevices: names that devtmpfs leaves to user space.
func linkDevices(*booted) error {
	for _, link := range [][2]string{
		{"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"},
	} {
		if err := os.Symlink(link[0], link[1]); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// defaults are written where an image has none; a container runtime would mount its own there. There is no network: the resolver fails at
// once instead of waiting.
var defaults = []struct{ path, content string }{
	{"/etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"},
	{"/etc/hostname", "bulkhead\n"},
	{"/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"},
}

func writeDefaults(b *booted) error {
	for _, file := range defaults {
		if info, err := os.Stat(file.path); err == nil && info.Size() > 0 {
			continue
		}
		// A link that leads nowhere (to a resolver's folder, say) is in the way of a file.
		if err := os.Remove(file.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			if b.kind == machine.GVisor {
				continue // bound from outside: whoever bound it knows better
			}
			return err
		}
		if err := os.WriteFile(file.path, []byte(file.content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// bindNames puts the files of machine.NamesFolder over those in /etc, which are made where the image has none: a bind needs them.
func bindNames(*booted) error {
	if err := os.MkdirAll(machine.NamesFolder, 0o755); err != nil {
		return err
	}
	for name, mode := range machine.Names {
		inMemory, inEtc := filepath.Join(machine.NamesFolder, name), filepath.Join("/etc", name)
		content, err := os.ReadFile(inEtc)
		if errors.Is(err, os.ErrNotExist) {
			// A link that leads nowhere is in the way of a file.
			if err := os.Remove(inEtc); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			err = os.WriteFile(inEtc, nil, mode)
		}
		if err != nil {
			continue // a folder, say: the image is as its maker wants it, and the name is not written there
		}
		if err := os.WriteFile(inMemory, content, mode); err != nil {
			return err
		}
		if err := unix.Mount(inMemory, inEtc, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s over %s: %w", inMemory, inEtc, err)
		}
	}
	return nil
}

// raiseLoopback: a kernel starts with lo down.
func raiseLoopback(*booted) error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request)
}

// maxDescriptors bounds what one process may have open; the kernel's own default of 4096 is too few for servers. The soft limit is what
// programs using select(2) survive in practice, and what the agent needs for many streams.
const (
	softDescriptors = 1 << 16
	maxDescriptors  = 1 << 19
)

func raiseDescriptorLimit(b *booted) error {
	// syscall's, not unix's: after it os/exec no longer restores for children what the limit was at the start.
	err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: softDescriptors, Max: maxDescriptors})
	if b.kind == machine.GVisor && errors.Is(err, syscall.EPERM) {
		return nil // set from outside
	}
	return err
}

// protectFromOOM: when memory runs out, a process of the workload goes, not the one that reports it. Children start with 0 again (reap).
func protectFromOOM(*booted) error {
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("-1000"), 0); err != nil {
		return fmt.Errorf("oom_score_adj: %w", err)
	}
	return nil
}
