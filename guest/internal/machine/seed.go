package machine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests of random(4), <linux/random.h>; x/sys has no names for them.
const (
	rndAddEntropy = 0x40085203 // _IOW('R', 0x03, int[2]): struct rand_pool_info
	rndReseedCRNG = 0x5207     // _IO('R', 0x07)
)

// Seed mixes entropy into the kernel's generator, credits it and has the generator start anew from it: without that, a clone would
// give out the numbers its siblings give out for up to a minute.
func (m *Machine) Seed(entropy []byte) error {
	// Seeded anew is booted anew, see BootID.
	m.bootLock.Lock()
	m.bootID = ""
	m.bootLock.Unlock()
	if m.kind != Linux {
		// gVisor passes getrandom(2) on to the host's kernel, whose state no snapshot holds; it has none of these requests. On a
		// host they would need privileges and change nothing for the better.
		return nil
	}
	random, err := os.OpenFile("/dev/urandom", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer random.Close()
	// struct rand_pool_info { int entropy_count /* bits */; int buf_size /* bytes */; __u32 buf[]; }
	info := make([]byte, 8, 8+len(entropy))
	binary.NativeEndian.PutUint32(info[0:], uint32(len(entropy)*8))
	binary.NativeEndian.PutUint32(info[4:], uint32(len(entropy)))
	info = append(info, entropy...)
	if err := control(random, rndAddEntropy, unsafe.Pointer(&info[0])); err != nil {
		return fmt.Errorf("RNDADDENTROPY: %w", err)
	}
	if err := control(random, rndReseedCRNG, nil); err != nil {
		return fmt.Errorf("RNDRESEEDCRNG: %w", err)
	}
	return nil
}

func control(file *os.File, request uintptr, argument unsafe.Pointer) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var errno unix.Errno
	err = raw.Control(func(fd uintptr) {
		_, _, errno = unix.Syscall(unix.SYS_IOCTL, fd, request, uintptr(argument))
	})
	if errno != 0 {
		return errors.Join(err, errno)
	}
	return err
}
