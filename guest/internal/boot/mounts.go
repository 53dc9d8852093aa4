package boot

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

type mount struct {
	source, target, fstype string
	flags                  uintptr
	data                   string
	// optional: a kernel without that file system is no failure.
	optional bool
}

const (
	noSuidDev     = unix.MS_NOSUID | unix.MS_NODEV
	noSuidDevExec = noSuidDev | unix.MS_NOEXEC
)

// earlyMounts come before any user process, in the initrd; they move to the root file system with it.
var earlyMounts = []mount{
	{source: "proc", target: "/proc", fstype: "proc", flags: noSuidDevExec},
	{source: "sysfs", target: "/sys", fstype: "sysfs", flags: noSuidDevExec},
	{source: "devtmpfs", target: "/dev", fstype: "devtmpfs", flags: unix.MS_NOSUID, data: "mode=0755"},
}

// lateMounts are made in the root file system. /tmp is none of them: on the disk, large temporary files do not take memory.
var lateMounts = []mount{
	{source: "devpts", target: "/dev/pts", fstype: "devpts", flags: unix.MS_NOSUID | unix.MS_NOEXEC, data: "mode=0620,gid=5,ptmxmode=0666"},
	{source: "tmpfs", target: "/dev/shm", fstype: "tmpfs", flags: noSuidDev, data: "mode=1777"},
	{source: "mqueue", target: "/dev/mqueue", fstype: "mqueue", flags: noSuidDevExec, optional: true},
	{source: "tmpfs", target: "/run", fstype: "tmpfs", flags: noSuidDev, data: "mode=0755,size=25%"},
	{source: "cgroup2", target: "/sys/fs/cgroup", fstype: "cgroup2", flags: noSuidDevExec, data: "nsdelegate", optional: true},
}

func mountAll(table []mount) func(*booted) error {
	return func(*booted) error {
		for _, m := range table {
			if err := m.make(); err != nil {
				return err
			}
		}
		return nil
	}
}

func (m mount) make() error {
	if err := os.MkdirAll(m.target, 0o755); err != nil {
		if m.optional {
			return nil // sysfs has no folder for what the kernel lacks
		}
		return err
	}
	err := unix.Mount(m.source, m.target, m.fstype, m.flags, m.data)
	if err == nil || errors.Is(err, unix.EBUSY) { // EBUSY: the kernel mounted devtmpfs itself
		return nil
	}
	if m.optional && (errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT)) {
		return nil
	}
	return fmt.Errorf("mount %s on %s: %w", m.fstype, m.target, err)
}
