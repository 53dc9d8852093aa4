package boot

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// uncoverTmp takes away the tmpfs that gVisor puts on an image's empty /tmp: there, large temporary files would take the guest's memory
// instead of its disk.
func uncoverTmp(*booted) error {
	err := unix.Unmount("/tmp", unix.MNT_DETACH)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
		return nil // an image with something in its /tmp keeps it
	}
	if err != nil {
		return fmt.Errorf("unmount /tmp: %w", err)
	}
	// Where an image has no /tmp, gVisor has made the folder for its mount alone.
	info, err := os.Stat("/tmp")
	if err != nil || info.Mode()&(os.ModePerm|os.ModeSticky) == 0o777|os.ModeSticky {
		return err
	}
	return os.Chmod("/tmp", 0o777|os.ModeSticky)
}
