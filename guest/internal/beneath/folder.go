// Package beneath works on what is below an open folder, by names that cannot lead out of it: no symbolic link on the way is
// followed, none at the end, whatever is swapped meanwhile.
//
// Why not os.Root: it walks with openat(O_NOFOLLOW|O_DIRECTORY), and gVisor follows a link there (Linux answers ENOTDIR), so in a gVisor guest
// os.Root leads out; os.RemoveAll walks the same way. openat2(RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS) is right in both, and one call instead of one for each
// part of a name.
package beneath

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/fault"
)

// Folder is an open folder. Names given to its methods are relative to it, clean and without "..": see Name.
//
// Methods act with the rights of the calling thread (see users.User.Act). A link on the way is invalid_argument, unless links are followed.
type Folder struct {
	file   *os.File
	follow bool
}

const resolve = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS

// Open opens the folder at an absolute path; links in this path lead where they lead.
func Open(folder string) (*Folder, error) {
	file, err := os.OpenFile(folder, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	return &Folder{file: file}, nil
}

// OpenFollowing is Open for a folder in which links are followed, at the end of a name, too, as long as they stay below it. A name that leads out is
// permission_denied; so is an absolute link, wherever it leads.
func OpenFollowing(folder string) (*Folder, error) {
	opened, err := Open(folder)
	if err == nil {
		opened.follow = true
	}
	return opened, err
}

// Close is to be called once nothing uses the folder any more; what was opened through it stays open.
func (f *Folder) Close() error { return f.file.Close() }

// Name makes a name from elsewhere into one for a Folder. Errors: invalid_argument for one that is absolute or empty, or has "..", even
// where that would stay inside, or NUL.
func Name(given string) (string, error) {
	bad := strings.IndexByte(given, 0) >= 0 || !filepath.IsLocal(given)
	for part := range strings.SplitSeq(given, "/") {
		bad = bad || part == ".."
	}
	if bad {
		return "", fault.New(connect.CodeInvalidArgument, "%q is not a name below the folder", given)
	}
	return path.Clean(given), nil
}

// OpenFile is os.OpenFile below the folder. A terminal that has taken the name does not become this program's own.
func (f *Folder) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	fd, err := f.open(name, flag|unix.O_NOCTTY, perm)
	if err != nil {
		return nil, failed("open", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (f *Folder) open(name string, flag int, perm fs.FileMode) (int, error) {
	var fd int
	err := withDescriptor(f.file, func(folder int) error {
		how := &unix.OpenHow{Flags: uint64(flag | unix.O_CLOEXEC), Resolve: resolve}
		if !f.follow {
			how.Flags |= unix.O_NOFOLLOW
			how.Resolve |= unix.RESOLVE_NO_SYMLINKS
		}
		if flag&unix.O_CREAT != 0 {
			how.Mode = uint64(perm.Perm())
		}
		return retry(func() (err error) {
			fd, err = unix.Openat2(folder, name, how)
			return err
		})
	})
	if f.follow && errors.Is(err, unix.EXDEV) {
		err = fault.New(connect.CodePermissionDenied, "%q leads out of the folder", name)
	}
	return fd, err
}

// in calls use with the folder that name is in, and name's last part.
func (f *Folder) in(op, name string, use func(folder int, base string) error) error {
	folder, err := f.open(path.Dir(name), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return failed(op, name, err)
	}
	defer unix.Close(folder)
	return failed(op, name, retry(func() error { return use(folder, path.Base(name)) }))
}

// Lstat describes what has the name, a link itself.
func (f *Folder) Lstat(name string) (stat unix.Stat_t, err error) {
	err = f.in("lstat", name, func(folder int, base string) error {
		return unix.Fstatat(folder, base, &stat, unix.AT_SYMLINK_NOFOLLOW)
	})
	return stat, err
}

// Stat describes what the name leads to.
func (f *Folder) Stat(name string) (stat unix.Stat_t, err error) {
	fd, err := f.open(name, unix.O_PATH, 0)
	if err != nil {
		return stat, failed("stat", name, err)
	}
	defer unix.Close(fd)
	return stat, failed("stat", name, unix.Fstat(fd, &stat))
}

// Readlink is what a link says.
func (f *Folder) Readlink(name string) (target string, err error) {
	err = f.in("readlink", name, func(folder int, base string) error {
		buffer := make([]byte, unix.PathMax)
		n, err := unix.Readlinkat(folder, base, buffer)
		target = string(buffer[:max(n, 0)])
		return err
	})
	return target, err
}

// Symlink makes a link that says target, which may be anything.
func (f *Folder) Symlink(target, name string) error {
	return f.in("symlink", name, func(folder int, base string) error { return unix.Symlinkat(target, folder, base) })
}

// Link gives what is called existing another name.
func (f *Folder) Link(existing, name string) error {
	return f.in("link", existing, func(from int, base string) error {
		return f.in("link", name, func(to int, other string) error { return unix.Linkat(from, base, to, other, 0) })
	})
}

// Rename gives a file another name; what has that name already makes way, unless it is a folder.
func (f *Folder) Rename(existing, name string) error {
	return f.in("rename", existing, func(from int, base string) error {
		return f.in("rename", name, func(to int, other string) error { return unix.Renameat(from, base, to, other) })
	})
}

// Lchown changes the owner, of a link itself.
func (f *Folder) Lchown(name string, uid, gid int) error {
	return f.in("lchown", name, func(folder int, base string) error {
		return unix.Fchownat(folder, base, uid, gid, unix.AT_SYMLINK_NOFOLLOW)
	})
}

// Mkdir makes one folder.
func (f *Folder) Mkdir(name string, perm fs.FileMode) error {
	return f.in("mkdir", name, func(folder int, base string) error { return unix.Mkdirat(folder, base, uint32(perm.Perm())) })
}

// MkdirAll makes a folder and those that it needs; what is there already stays.
func (f *Folder) MkdirAll(name string, perm fs.FileMode) error {
	for end := range len(name) + 1 {
		if end < len(name) && name[end] != '/' {
			continue
		}
		if err := f.Mkdir(name[:end], perm); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// Remove removes a file or link, not a folder.
func (f *Folder) Remove(name string) error {
	return f.in("remove", name, func(folder int, base string) error { return unix.Unlinkat(folder, base, 0) })
}

// failed names operation and path, and gives what openat2 refuses a code of its own.
func failed(op, name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.EXDEV):
		return fault.New(connect.CodeInvalidArgument, "a link that is not followed is on the way to %q", name)
	}
	if _, named := errors.AsType[*fs.PathError](err); named {
		return err
	}
	if _, named := errors.AsType[*fault.Error](err); named {
		return err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

func retry(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

func withDescriptor(file *os.File, use func(fd int) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = use(int(fd)) })
	return errors.Join(err, failed)
}
