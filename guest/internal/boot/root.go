package boot

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Serials of the disks, and where they are mounted until the root is switched.
const (
	rootSerial = "root"
	diskSerial = "disk"

	lowerMount = "/mnt/lower"
	diskMount  = "/mnt/disk"
	newRoot    = "/mnt/root"
)

// mountRoot joins the read-only image and the disk.
func mountRoot(b *booted) error {
	image, err := findDisk("/sys/block", rootSerial)
	if err != nil {
		return err
	}
	disk, err := findDisk("/sys/block", diskSerial)
	if err != nil {
		return err
	}
	below := []mount{
		{source: image, target: lowerMount, fstype: "erofs", flags: unix.MS_RDONLY | unix.MS_NODEV},
		{source: disk, target: diskMount, fstype: "ext4", flags: unix.MS_NODEV | unix.MS_NOATIME},
	}
	if err := mountAll(below)(b); err != nil {
		return err
	}
	const upper, work = diskMount + "/upper", diskMount + "/work"
	for _, folder := range []string{upper, work} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	if b.disk, err = holdMount(diskMount); err != nil {
		return err
	}
	overlay := mount{source: "overlay", target: newRoot, fstype: "overlay", flags: unix.MS_NOATIME,
		data: fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", lowerMount, upper, work)}
	return overlay.make()
}

// switchRoot makes the joined file system the root of this process, and so of all others. The agent goes on running from the initrd: it
// is linked statically and needs no file of it.
func switchRoot(*booted) error {
	for _, m := range earlyMounts {
		target := newRoot + m.target
		if err := os.MkdirAll(target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.target, target, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("move %s: %w", m.target, err)
		}
	}
	if err := os.Chdir(newRoot); err != nil {
		return err
	}
	// The initrd cannot be unmounted or pivoted away from: the new root goes on top of it.
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move the root: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return fmt.Errorf("chroot: %w", err)
	}
	return os.Chdir("/")
}

// mountHandle reaches a mount that no path leads to any more.
type mountHandle struct{ *os.File }

func holdMount(path string) (*mountHandle, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &mountHandle{os.NewFile(uintptr(fd), path)}, nil
}

// makeReadOnly has the file system written and left clean. Fails EBUSY while a file on it is open for writing.
func (h *mountHandle) makeReadOnly() error {
	return unix.Mount("", fmt.Sprintf("/proc/self/fd/%d", h.Fd()), "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
}
