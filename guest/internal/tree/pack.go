package tree

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/beneath"
	"bulkhead.dev/guest/internal/fault"
	"bulkhead.dev/guest/internal/users"
)

const (
	// maxDepth bounds the folders below one another, and with them the descriptors held open.
	maxDepth = 1024
	// maxHardLinks bounds the memory for telling which files are the same; more of them are packed as files of their own.
	maxHardLinks = 100_000
	copyBuffer   = 128 << 10
)

// source is what Pack reads: entries of root whose names start with name, packed under the name as. Both are "." for all of root.
type source struct {
	root     *beneath.Folder
	name, as string
}

// open finds what path names: the content of a folder, or a single file. Links lead where they lead for the user; below path none is followed.
func open(user *users.User, file string) (source, error) {
	var from source
	err := user.Act(func() error {
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		folder := file
		from.name, from.as = ".", "."
		// Said now, while there can be a status.
		if err := unix.Faccessat(unix.AT_FDCWD, file, unix.R_OK, unix.AT_EACCESS); err != nil {
			return &fs.PathError{Op: "open", Path: file, Err: err}
		}
		if !info.IsDir() {
			if !info.Mode().IsRegular() {
				return fault.New(connect.CodeInvalidArgument, "%s is neither a file nor a folder", file)
			}
			if file, err = filepath.EvalSymlinks(file); err != nil {
				return err
			}
			folder = filepath.Dir(file)
			from.name, from.as = filepath.Base(file), filepath.Base(file)
		}
		from.root, err = beneath.Open(folder)
		return err
	})
	return from, err
}

// packer writes one tar stream.
type packer struct {
	ctx    context.Context
	user   *users.User
	from   source
	to     *tar.Writer
	buffer []byte
	linked map[inode]string
}

type inode struct{ device, number uint64 }

// pack writes the source as a tar stream, in constant memory. Kept: modes, owners, times, links of both kinds, extended attributes.
// Sockets, devices and pipes have no meaning elsewhere and are left out. A file that shrinks meanwhile is filled up with zeros, one that grows is
// cut. After an error the stream lacks its end marker, so nobody takes it for whole.
func pack(ctx context.Context, user *users.User, from source, to io.Writer) error {
	p := &packer{ctx, user, from, tar.NewWriter(to), make([]byte, copyBuffer), map[inode]string{}}
	if from.name == "." {
		if err := p.content(".", nil, 0); err != nil {
			return err
		}
	} else if err := p.entry(from.name, 0); err != nil {
		return err
	}
	return p.to.Close()
}

func (p *packer) entry(name string, depth int) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	var stat unix.Stat_t
	err := p.user.Act(func() (err error) {
		stat, err = p.from.root.Lstat(name)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed since its folder was read
	}
	if err != nil {
		return err
	}
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return p.file(name, &stat)
	case unix.S_IFDIR:
		return p.folder(name, &stat, depth)
	case unix.S_IFLNK:
		return p.symlink(name, &stat)
	}
	return nil
}

func (p *packer) folder(name string, stat *unix.Stat_t, depth int) error {
	header := p.header(name+"/", stat)
	header.Typeflag = tar.TypeDir
	if err := p.to.WriteHeader(header); err != nil {
		return err
	}
	if depth == maxDepth {
		return fault.New(connect.CodeInvalidArgument, "%s: more than %d folders below one another", name, maxDepth)
	}
	return p.content(name, stat, depth)
}

func (p *packer) content(name string, stat *unix.Stat_t, depth int) error {
	f, err := p.open(name, stat)
	if err != nil || f == nil {
		return err
	}
	defer f.Close()
	for {
		found, err := f.ReadDir(256)
		for _, item := range found {
			if err := p.entry(path.Join(name, item.Name()), depth+1); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// open opens exactly what stat is of (nil: the folder itself). nil without an error: it has gone or something else took its name.
func (p *packer) open(name string, stat *unix.Stat_t) (*os.File, error) {
	var f *os.File
	err := p.user.Act(func() (err error) {
		// Not blocking, for a pipe may have taken the name.
		f, err = p.from.root.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	opened, err := statOf(f)
	if err == nil && (stat == nil || opened.Dev == stat.Dev && opened.Ino == stat.Ino) {
		return f, nil
	}
	return nil, errors.Join(err, f.Close())
}

func (p *packer) file(name string, stat *unix.Stat_t) error {
	f, err := p.open(name, stat)
	if err != nil || f == nil {
		return err
	}
	defer f.Close()
	if stat, err = statOf(f); err != nil {
		return err
	}
	header := p.header(name, stat)
	if first := p.firstLink(name, stat); first != "" {
		header.Typeflag, header.Linkname = tar.TypeLink, p.rename(first)
		return p.to.WriteHeader(header)
	}
	header.Typeflag, header.Size = tar.TypeReg, stat.Size
	if err := readAttributes(f, header); err != nil {
		return err
	}
	if err := p.to.WriteHeader(header); err != nil {
		return err
	}
	written, err := io.CopyBuffer(plainWriter{p.to}, io.LimitReader(&interruptible{p.ctx, f}, header.Size), p.buffer)
	if err != nil || written == header.Size {
		return err
	}
	_, err = io.CopyBuffer(plainWriter{p.to}, io.LimitReader(zeros{}, header.Size-written), p.buffer)
	return err
}

func (p *packer) symlink(name string, stat *unix.Stat_t) error {
	header := p.header(name, stat)
	header.Typeflag = tar.TypeSymlink
	err := p.user.Act(func() (err error) {
		header.Linkname, err = p.from.root.Readlink(name)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EINVAL) {
		return nil // removed, or something else by now
	}
	if err != nil {
		return err
	}
	return p.to.WriteHeader(header)
}

// firstLink is the name under which the same file was packed already, or empty.
func (p *packer) firstLink(name string, stat *unix.Stat_t) string {
	if stat.Nlink < 2 {
		return ""
	}
	key := inode{stat.Dev, stat.Ino}
	if first, packed := p.linked[key]; packed {
		return first
	}
	if len(p.linked) < maxHardLinks {
		p.linked[key] = name
	}
	return ""
}

func (p *packer) header(name string, stat *unix.Stat_t) *tar.Header {
	return &tar.Header{
		Format:  tar.FormatPAX, // for times finer than a second
		Name:    p.rename(name),
		Mode:    int64(stat.Mode & 0o7777),
		ModTime: time.Unix(stat.Mtim.Unix()),
		Uid:     int(stat.Uid),
		Gid:     int(stat.Gid),
	}
}

func (p *packer) rename(name string) string {
	if p.from.name == p.from.as {
		return name
	}
	return p.from.as + name[len(p.from.name):]
}
