package filesystem

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/fault"
	filesystemv1 "bulkhead.dev/guest/internal/gen/filesystem"
)

const folderMode = 0o755

// MakeDir implements filesystem.Filesystem. What is made belongs to the user, parents too.
func (s *Service) MakeDir(_ context.Context, request *connect.Request[filesystemv1.MakeDirRequest]) (*connect.Response[filesystemv1.MakeDirResponse], error) {
	t, err := s.target(request.Header(), request.Msg.GetPath())
	if err == nil {
		err = t.user.Act(func() error { return makeFolder(t.path) })
	}
	if err != nil {
		return nil, fault.Connect(err)
	}
	entry, err := t.describe(t.path)
	return answer(&filesystemv1.MakeDirResponse{Entry: entry}, err)
}

func makeFolder(path string) error {
	switch info, err := os.Stat(path); {
	case err == nil && info.IsDir():
		return fault.New(connect.CodeAlreadyExists, "the folder %s exists already", path)
	case err == nil:
		return fault.New(connect.CodeInvalidArgument, "%s exists and is not a folder", path)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return os.MkdirAll(path, folderMode)
}
