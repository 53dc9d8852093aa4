package filesystem

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/fault"
	filesystemv1 "bulkhead.dev/guest/internal/gen/filesystem"
	"bulkhead.dev/guest/internal/users"
)

const (
	// maxEntries bounds one listing: it is one message, in the agent's memory as a whole.
	maxEntries = 100_000
	// batch is how many names are read from a folder at once.
	batch = 512
)

// ListDir implements filesystem.Filesystem. Entries are in lexical order, a folder before what is in it. Links to folders are not followed, but
// for the path itself. Folders below that the user may not read are listed and not entered.
// Errors: invalid_argument when path is no folder; resource_exhausted for more than maxEntries.
func (s *Service) ListDir(ctx context.Context, request *connect.Request[filesystemv1.ListDirRequest]) (*connect.Response[filesystemv1.ListDirResponse], error) {
	t, err := s.target(request.Header(), request.Msg.GetPath())
	if err != nil {
		return nil, fault.Connect(err)
	}
	list := listing{ctx: ctx, names: users.ReadNames()}
	err = t.user.Act(func() error {
		info, err := os.Stat(t.path)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return fault.New(connect.CodeInvalidArgument, "%s is not a folder", t.path)
		}
		return list.read(t.path, max(1, int(request.Msg.GetDepth())))
	})
	slices.SortFunc(list.entries, func(a, b *filesystemv1.EntryInfo) int { return strings.Compare(a.Path, b.Path) })
	return answer(&filesystemv1.ListDirResponse{Entries: list.entries}, err)
}

type listing struct {
	ctx     context.Context
	names   *users.Names
	entries []*filesystemv1.EntryInfo
}

// read adds what is in folder, and below it for a depth of more than 1.
func (l *listing) read(folder string, depth int) error {
	below, err := l.readOne(folder)
	if err != nil || depth == 1 {
		return err
	}
	for _, path := range below {
		err := l.read(path, depth-1)
		if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// readOne adds the entries of one folder and returns which of them are folders.
func (l *listing) readOne(folder string) (below []string, err error) {
	f, err := openFolder(folder)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for {
		if err := l.ctx.Err(); err != nil {
			return nil, err
		}
		found, err := f.ReadDir(batch)
		for _, item := range found {
			path := filepath.Join(folder, item.Name())
			info, err := item.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue // removed meanwhile
			}
			if err != nil {
				return nil, err
			}
			if len(l.entries) == maxEntries {
				return nil, fault.New(connect.CodeResourceExhausted, "more than %d entries: list fewer levels", maxEntries)
			}
			l.entries = append(l.entries, describeAs(path, info, l.names))
			if item.IsDir() {
				below = append(below, path)
			}
		}
		if errors.Is(err, io.EOF) {
			return below, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// openFolder never waits: os.Open would, for a pipe that has taken the folder's name.
func openFolder(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY, 0)
}
