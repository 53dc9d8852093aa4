package filesystem

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/beneath"
	"bulkhead.dev/guest/internal/fault"
	filesystemv1 "bulkhead.dev/guest/internal/gen/filesystem"
	"bulkhead.dev/guest/internal/tree"
)

// Move implements filesystem.Filesystem. A file in the way is replaced. Across file systems (and for folders of the image, which an
// overlay cannot rename) it copies first and removes then: not atomic, and without sockets and devices.
func (s *Service) Move(ctx context.Context, request *connect.Request[filesystemv1.MoveRequest]) (*connect.Response[filesystemv1.MoveResponse], error) {
	t, err := s.target(request.Header(), request.Msg.GetSource())
	if err != nil {
		return nil, fault.Connect(err)
	}
	destination, err := t.user.Resolve(request.Msg.GetDestination())
	if err != nil {
		return nil, fault.Connect(err)
	}
	err = t.user.Act(func() error {
		if _, err := os.Lstat(t.path); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(destination), folderMode); err != nil {
			return err
		}
		return unix.Rename(t.path, destination)
	})
	if errors.Is(err, unix.EXDEV) {
		err = tree.Copy(ctx, t.user, t.path, destination)
		if err == nil {
			err = t.user.Act(func() error { return beneath.RemoveAll(ctx, t.path) })
		}
	}
	if err != nil {
		return nil, fault.Connect(&os.LinkError{Op: "move", Old: t.path, New: destination, Err: err})
	}
	entry, err := t.describe(destination)
	return answer(&filesystemv1.MoveResponse{Entry: entry}, err)
}
