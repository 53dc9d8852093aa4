// Package holder is the host's side of a kernel's first process: the cgroup it is born into, and the byte stream that outlives servers.
package holder

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Entry is what Enter does on the way to the program.
type Entry struct {
	// Cgroups are folders of the cgroup file system.
	Cgroups []string
	// User is who the program runs as, in the group of the same number; 0: as who this process is.
	User int
	// MaxFileBytes bounds every file the program writes; 0: no bound. With a bound it dumps no core either.
	MaxFileBytes uint64
	// Descriptors is how many descriptors, from 0 up, the program is given; 0: all there are. What this process was left by whoever started
	// its parents is nothing for a kernel.
	Descriptors int
	// Command is the program and its arguments.
	Command []string
}

// Enter moves this process, threads and all, into each cgroup, gives up its rights and becomes the program. It returns only when that failed.
// So whatever the program does, it has done within its limits; there is no moment at which it runs outside of them.
func Enter(entry Entry) error {
	if entry.User < 0 {
		return fmt.Errorf("%d is no user: the system takes -1 for whoever this is, root", entry.User)
	}
	program, err := exec.LookPath(entry.Command[0])
	if err != nil {
		return err
	}
	if err := joinCgroups(entry.Cgroups); err != nil {
		return err
	}
	if entry.Descriptors != 0 {
		if err := unix.CloseRange(uint(entry.Descriptors), math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
			return fmt.Errorf("close further descriptors: %w", err)
		}
	}
	if entry.MaxFileBytes != 0 {
		if err := limitFiles(entry.MaxFileBytes); err != nil {
			return err
		}
	}
	if entry.User != 0 {
		if err := dropTo(entry.User); err != nil {
			return err
		}
	}
	if err := unix.Exec(program, entry.Command, os.Environ()); err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	return nil
}

func joinCgroups(cgroups []string) error {
	for _, folder := range cgroups {
		path := filepath.Join(folder, "cgroup.procs")
		// Never create: a folder that is no cgroup must not pass for one.
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("enter the cgroup: %w", err)
		}
		_, err = file.WriteString(strconv.Itoa(os.Getpid()))
		if closed := file.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return fmt.Errorf("enter the cgroup: %w", err)
		}
	}
	return nil
}
