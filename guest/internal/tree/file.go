package tree

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// attributeRecord is how tar names an extended attribute.
	attributeRecord = "SCHILY.xattr."
	// capabilities lets a program do what root may: for root to give alone.
	capabilities = "security.capability"
	maxAttribute = 64 << 10
)

// kept says which extended attributes go in and out: the user's own and file capabilities. Others (trusted.overlay.*, security.selinux)
// belong to the system that holds the file.
func kept(name string) bool { return strings.HasPrefix(name, "user.") || name == capabilities }

// readAttributes puts f's attributes into the header. A file system without any has none to keep.
func readAttributes(f *os.File, header *tar.Header) error {
	return withDescriptor(f, func(fd int) error {
		list := make([]byte, 256)
		n, err := unix.Flistxattr(fd, list)
		if errors.Is(err, unix.ERANGE) {
			list = make([]byte, maxAttribute)
			n, err = unix.Flistxattr(fd, list)
		}
		if errors.Is(err, unix.ENOTSUP) || n == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		for name := range bytes.SplitSeq(list[:n], []byte{0}) {
			if !kept(string(name)) {
				continue
			}
			value := make([]byte, maxAttribute)
			size, err := unix.Fgetxattr(fd, string(name), value)
			if errors.Is(err, unix.ENODATA) {
				continue
			}
			if err != nil {
				return err
			}
			if header.PAXRecords == nil {
				header.PAXRecords = map[string]string{}
			}
			header.PAXRecords[attributeRecord+string(name)] = string(value[:size])
		}
		return nil
	})
}

// writeAttributes: capabilities only when asRoot. A file system that has none fails: what was asked to be kept would be lost.
func writeAttributes(f *os.File, header *tar.Header, asRoot bool) error {
	for record, value := range header.PAXRecords {
		name, ours := strings.CutPrefix(record, attributeRecord)
		if !ours || !kept(name) || name == capabilities && !asRoot {
			continue
		}
		err := withDescriptor(f, func(fd int) error { return unix.Fsetxattr(fd, name, []byte(value), 0) })
		if err != nil {
			return &fs.PathError{Op: "set attribute " + name, Path: header.Name, Err: err}
		}
	}
	return nil
}

// setTime sets the time of modification, to the nanosecond; that of the last access becomes now.
func setTime(f *os.File, modified time.Time) error {
	times := [2]unix.Timespec{{Nsec: unix.UTIME_NOW}, unix.NsecToTimespec(modified.UnixNano())}
	return withDescriptor(f, func(fd int) error {
		// Without a path it is futimens(3), for which package unix has no name.
		_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(fd), 0, uintptr(unsafe.Pointer(&times[0])), 0, 0, 0)
		if errno != 0 {
			return &fs.PathError{Op: "set time", Path: f.Name(), Err: errno}
		}
		return nil
	})
}

func withDescriptor(f *os.File, use func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = use(int(fd)) })
	return errors.Join(err, failed)
}

func statOf(f *os.File) (*unix.Stat_t, error) {
	var stat unix.Stat_t
	err := withDescriptor(f, func(fd int) error { return unix.Fstat(fd, &stat) })
	return &stat, err
}

// interruptible ends a long copy when its context does.
type interruptible struct {
	ctx    context.Context
	source io.Reader
}

func (r *interruptible) Read(into []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.source.Read(into)
}

// plainWriter hides ReadFrom, so that io.CopyBuffer uses the buffer it was given.
type plainWriter struct{ io.Writer }

type zeros struct{}

func (zeros) Read(into []byte) (int, error) {
	clear(into)
	return len(into), nil
}
