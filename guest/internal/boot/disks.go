package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// findDisk returns the device of the virtio-blk disk with that serial. Source: /sys/block/*/serial.
func findDisk(sysBlock, serial string) (device string, err error) {
	disks, err := os.ReadDir(sysBlock)
	if err != nil {
		return "", err
	}
	var seen []string
	for _, disk := range disks {
		text, err := os.ReadFile(filepath.Join(sysBlock, disk.Name(), "serial"))
		if err != nil {
			continue // loop devices and the like have none
		}
		found := strings.TrimSpace(string(text))
		if found == serial {
			return filepath.Join("/dev", disk.Name()), nil
		}
		seen = append(seen, found)
	}
	return "", fmt.Errorf("no disk has the serial %q, only %q", serial, seen)
}
