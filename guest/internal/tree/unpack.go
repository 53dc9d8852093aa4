package tree

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/beneath"
	"bulkhead.dev/guest/internal/fault"
	"bulkhead.dev/guest/internal/users"
)

const folderMode = 0o755

// Result says what an unpacking did.
type Result struct {
	Entries int64 `json:"entries"`
	// Bytes of file content.
	Bytes int64 `json:"bytes"`
}

// unpacker reads one tar stream.
type unpacker struct {
	ctx  context.Context
	user *users.User
	root *beneath.Folder
	// keepOwners gives entries the owners that the stream names, instead of the user. For root alone.
	keepOwners bool
	buffer     []byte
	result     Result
	// open are the folders that the current entry lies in, outermost first; they get their mode and time when the stream leaves
	// them, for a folder that must not be written into can only be filled before.
	open []*tar.Header
}

// unpack puts a tar stream into a folder, in constant memory, as the user: a file in the way is replaced (never written into: it may have
// other names), a folder stays and is merged into; a link in the way is replaced, also one to a folder. What was unpacked before an error stays.
//
// Nothing outside the folder is touched, see package beneath: no link on the way to an entry is followed, also none that is swapped in
// meanwhile. Names that are absolute or have ".." are refused, as are devices and pipes: invalid_argument.
func unpack(ctx context.Context, user *users.User, folder string, keepOwners bool, stream io.Reader) (Result, error) {
	var root *beneath.Folder
	err := user.Act(func() (err error) {
		if err := os.MkdirAll(folder, folderMode); err != nil {
			return err
		}
		root, err = beneath.Open(folder)
		return err
	})
	if err != nil {
		return Result{}, err
	}
	defer root.Close()
	u := &unpacker{ctx: ctx, user: user, root: root, keepOwners: keepOwners && user.UID == 0, buffer: make([]byte, copyBuffer)}
	err = u.all(tar.NewReader(&interruptible{ctx, stream}))
	return u.result, err
}

func (u *unpacker) all(stream *tar.Reader) error {
	for {
		header, err := stream.Next()
		if errors.Is(err, io.EOF) {
			return u.leave("")
		}
		if err != nil {
			return broken(err)
		}
		if err := u.entry(header, stream); err != nil {
			return err
		}
	}
}

// broken tells a stream that is no tar from one that could not be read.
func broken(err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.New(connect.CodeInvalidArgument, "the tar stream is damaged or ends too early: %w", err)
	}
	return err
}

func (u *unpacker) entry(header *tar.Header, content io.Reader) error {
	if header.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name, err := beneath.Name(header.Name)
	if err != nil || name == "." {
		return err
	}
	header.Name = name
	if err := u.leave(name); err != nil {
		return err
	}
	u.result.Entries++
	switch header.Typeflag {
	case tar.TypeReg:
		return u.file(header, content)
	case tar.TypeDir:
		return u.folder(header)
	case tar.TypeSymlink:
		return u.replace(name, func() error {
			if err := u.root.Symlink(header.Linkname, name); err != nil || !u.keepOwners {
				return err
			}
			return u.root.Lchown(name, header.Uid, header.Gid)
		})
	case tar.TypeLink:
		target, err := beneath.Name(header.Linkname)
		if err != nil {
			return err
		}
		if target == name {
			return nil
		}
		return u.replace(name, func() error { return u.root.Link(target, name) })
	}
	return fault.New(connect.CodeInvalidArgument, "%q is neither file, folder nor link: devices and pipes are refused", header.Name)
}

// replace makes an entry, with its parents where they are missing, in place of whatever else has the name. As the user.
func (u *unpacker) replace(name string, make func() error) error {
	return u.user.Act(func() error {
		err := make()
		if errors.Is(err, fs.ErrNotExist) && path.Dir(name) != "." {
			if err := u.root.MkdirAll(path.Dir(name), folderMode); err != nil {
				return err
			}
			err = make()
		}
		if errors.Is(err, fs.ErrExist) {
			if u.isFolder(name) {
				return fault.New(connect.CodeFailedPrecondition, "a folder is in the way of %s", name)
			}
			if err := u.root.Remove(name); err != nil {
				return err
			}
			err = make()
		}
		return err
	})
}

func (u *unpacker) file(header *tar.Header, content io.Reader) error {
	var f *os.File
	err := u.replace(header.Name, func() (err error) {
		f, err = u.root.OpenFile(header.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		return err
	})
	if err != nil {
		return err
	}
	err = u.fill(f, header, content)
	return errors.Join(err, f.Close())
}

func (u *unpacker) fill(f *os.File, header *tar.Header, content io.Reader) error {
	n, err := io.CopyBuffer(plainWriter{f}, content, u.buffer)
	u.result.Bytes += n
	if err != nil {
		return broken(err)
	}
	if u.keepOwners {
		if err := f.Chown(header.Uid, header.Gid); err != nil {
			return err
		}
	}
	// After the owner: changing that drops setuid. Mode and attributes go by descriptor, which needs no rights of the user's.
	if err := f.Chmod(u.mode(header)); err != nil {
		return err
	}
	if err := writeAttributes(f, header, u.user.UID == 0); err != nil {
		return err
	}
	return setTime(f, header.ModTime)
}

func (u *unpacker) folder(header *tar.Header) error {
	// Writable for as long as it is being filled.
	err := u.replace(header.Name, func() error {
		if u.isFolder(header.Name) {
			return nil
		}
		return u.root.Mkdir(header.Name, 0o700)
	})
	if err != nil {
		return err
	}
	u.open = append(u.open, header)
	return nil
}

// leave finishes the folders that name does not lie in; all of them for "".
func (u *unpacker) leave(name string) error {
	for len(u.open) > 0 {
		last := u.open[len(u.open)-1]
		if name != "" && strings.HasPrefix(name, last.Name+"/") {
			return nil
		}
		u.open = u.open[:len(u.open)-1]
		if name == last.Name {
			continue // the same folder again: what it says then counts
		}
		if err := u.finishFolder(last); err != nil {
			return err
		}
	}
	return nil
}

// isFolder is for use within Act.
func (u *unpacker) isFolder(name string) bool {
	stat, err := u.root.Lstat(name)
	return err == nil && stat.Mode&unix.S_IFMT == unix.S_IFDIR
}

func (u *unpacker) finishFolder(header *tar.Header) error {
	var f *os.File
	err := u.user.Act(func() (err error) {
		f, err = u.root.OpenFile(header.Name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil // removed or replaced by the workload meanwhile
	}
	if err != nil {
		return err
	}
	defer f.Close()
	// As the user again: the folder may have been there before, and be somebody else's.
	return u.user.Act(func() error {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if u.keepOwners {
			if err := f.Chown(header.Uid, header.Gid); err != nil {
				return err
			}
		}
		if mode := u.mode(header); info.Mode()&^fs.ModeDir != mode {
			if err := f.Chmod(mode); err != nil {
				return err
			}
		}
		return setTime(f, header.ModTime)
	})
}

// mode drops setuid and setgid for all but root: a host's archive must not make a program run as somebody it was not given to.
func (u *unpacker) mode(header *tar.Header) fs.FileMode {
	mode := fs.FileMode(header.Mode).Perm()
	if header.Mode&0o1000 != 0 {
		mode |= fs.ModeSticky
	}
	if u.user.UID != 0 {
		return mode
	}
	if header.Mode&0o4000 != 0 {
		mode |= fs.ModeSetuid
	}
	if header.Mode&0o2000 != 0 {
		mode |= fs.ModeSetgid
	}
	return mode
}
