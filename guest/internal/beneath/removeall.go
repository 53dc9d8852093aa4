package beneath

import (
	"context"
	"errors"
	"io"
	"os"
	"path"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/fault"
)

const (
	// maxDepth bounds the descriptors that are open at once.
	maxDepth = 1024
	batch    = 512
)

// RemoveAll removes what is at an absolute path, with everything below; what is not there is removed already. The last part of the path is not
// followed if it is a link, nor is anything below. The context ends it: while somebody goes on making files there, it would never be done.
func RemoveAll(ctx context.Context, at string) error {
	folder, err := Open(path.Dir(at))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.removeAll(ctx, path.Base(at), 0)
}

func (f *Folder) removeAll(ctx context.Context, name string, depth int) error {
	err := f.Remove(name)
	switch {
	case err == nil, errors.Is(err, unix.ENOENT):
		return nil
	case !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EPERM): // EPERM: how POSIX says that it is a folder
		return err
	case depth == maxDepth:
		return fault.New(connect.CodeInvalidArgument, "more than %d folders below one another at %q", maxDepth, name)
	}
	below, openErr := f.OpenFile(name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if openErr != nil {
		return errors.Join(openErr, notFolder(err))
	}
	defer below.Close()
	if err := (&Folder{file: below}).removeContent(ctx, depth+1); err != nil {
		return err
	}
	err = f.in("remove", name, func(folder int, base string) error { return unix.Unlinkat(folder, base, unix.AT_REMOVEDIR) })
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// removeContent reads from the start again after every batch, for a folder that changes while it is read may skip entries.
func (f *Folder) removeContent(ctx context.Context, depth int) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := f.file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		names, err := f.file.Readdirnames(batch)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := f.removeAll(ctx, name, depth); err != nil {
				return err
			}
		}
	}
}

// notFolder is the refusal to unlink, unless that only meant that it is a folder.
func notFolder(err error) error {
	if errors.Is(err, unix.EISDIR) {
		return nil
	}
	return err
}
