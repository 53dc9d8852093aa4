package filesystem

import (
	"context"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/fault"
	filesystemv1 "bulkhead.dev/guest/internal/gen/filesystem"
)

// Stat implements filesystem.Filesystem.
func (s *Service) Stat(_ context.Context, request *connect.Request[filesystemv1.StatRequest]) (*connect.Response[filesystemv1.StatResponse], error) {
	t, err := s.target(request.Header(), request.Msg.GetPath())
	if err != nil {
		return nil, fault.Connect(err)
	}
	entry, err := t.describe(t.path)
	return answer(&filesystemv1.StatResponse{Entry: entry}, err)
}
