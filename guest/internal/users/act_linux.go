package users

import (
	"fmt"
	"os"
	"runtime"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/fault"
)

// Act runs do with the user's effective uid, gid and supplementary groups, so that the kernel grants and refuses what it would grant
// and refuse the user, and what is created belongs to the user. Errors are those of do.
//
// Credentials belong to a thread in Linux: the calling goroutine holds on to its thread meanwhile, and do must not start
// goroutines that rely on them, nor processes. Real and saved uid stay root: that is the way back, and keeps other processes of the user from
// signalling or tracing the agent. (setfsuid would be the narrower call; gVisor does not have it.)
// Open files keep the rights they were opened with: open within Act, copy outside.
//
// An agent that is not root can only act as itself; other users are permission_denied.
func (u *User) Act(do func() error) error {
	own := os.Geteuid()
	if uint32(own) == u.UID {
		return do()
	}
	if own != 0 {
		return fault.New(connect.CodePermissionDenied, "the agent runs as uid %d and cannot act as %s", own, u.Name)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before, err := unix.Getgroups()
	if err != nil {
		return fmt.Errorf("act as %s: %w", u.Name, err)
	}
	// Deferred first, runs last; a thread that cannot become root again must not run anything else, so it takes the program with it.
	defer func() {
		must(setEffectiveUID(0))
		must(setEffectiveGID(uint32(os.Getgid())))
		must(setThreadGroups(toIDs(before)))
	}()
	if err := setThreadGroups(u.Groups); err != nil {
		return fmt.Errorf("act as %s: %w", u.Name, err)
	}
	if err := setEffectiveGID(u.GID); err != nil {
		return fmt.Errorf("act as %s: %w", u.Name, err)
	}
	if err := setEffectiveUID(u.UID); err != nil {
		return fmt.Errorf("act as %s: %w", u.Name, err)
	}
	return do()
}

// Open is os.OpenFile with the user's rights.
func (u *User) Open(name string, flag int, perm os.FileMode) (*os.File, error) {
	var f *os.File
	err := u.Act(func() (err error) {
		f, err = os.OpenFile(name, flag, perm)
		return err
	})
	return f, err
}

const unchanged = ^uintptr(0)

// The three below change the calling thread alone: the system calls themselves, where package unix would change every thread.

func setEffectiveUID(id uint32) error {
	return raw(unix.SYS_SETRESUID, unchanged, uintptr(id), unchanged)
}

func setEffectiveGID(id uint32) error {
	return raw(unix.SYS_SETRESGID, unchanged, uintptr(id), unchanged)
}

func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("the agent cannot become itself again: %v", err))
	}
}

func raw(call, a, b, c uintptr) error {
	if _, _, errno := unix.RawSyscall(call, a, b, c); errno != 0 {
		return errno
	}
	return nil
}

func toIDs(groups []int) []uint32 {
	ids := make([]uint32, len(groups))
	for i, group := range groups {
		ids[i] = uint32(group)
	}
	return ids
}
