package holder

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// lastCapability bounds the search for the newest one the kernel knows: a mask has 64 bits.
const lastCapability = 63

// dropTo makes this process, with all its threads, user id, with the group of that number and no others, without capabilities and without any
// way to get one back: neither the program it becomes nor a setuid one gives it more.
func dropTo(id int) error {
	if err := prctl(unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	// Before the uid: dropping from the bounding set needs CAP_SETPCAP.
	for capability := uintptr(0); capability <= lastCapability; capability++ {
		if err := prctl(unix.PR_CAPBSET_DROP, capability); errors.Is(err, unix.EINVAL) {
			break
		} else if err != nil {
			return fmt.Errorf("drop capability %d: %w", capability, err)
		}
	}
	if err := prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL); err != nil {
		return fmt.Errorf("ambient capabilities: %w", err)
	}
	if err := syscall.Setgroups(nil); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if err := syscall.Setresgid(id, id, id); err != nil {
		return fmt.Errorf("setresgid: %w", err)
	}
	// The last: it takes the effective and permitted capabilities with it.
	if err := syscall.Setresuid(id, id, id); err != nil {
		return fmt.Errorf("setresuid: %w", err)
	}
	// What is inheritable would come back only with a file capability, which no_new_privs forbids; it is not needed all the same.
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none[0])), 0)
	if errno != 0 {
		return fmt.Errorf("capset: %w", errno)
	}
	return nil
}

// prctl changes all threads, each of which has rights of its own: as functions of package syscall do and those of package unix do not. A
// binary that has cgo in it cannot, and fails here.
func prctl(option int, argument uintptr) error {
	if _, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, uintptr(option), argument, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// limitFiles forbids core dumps and files larger than that, to this process and all it starts.
func limitFiles(maxBytes uint64) error {
	for resource, limit := range map[int]uint64{unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: maxBytes} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("resource limit %d: %w", resource, err)
		}
	}
	return nil
}
