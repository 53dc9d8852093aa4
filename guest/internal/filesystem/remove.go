package filesystem

import (
	"context"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/beneath"
	"bulkhead.dev/guest/internal/fault"
	filesystemv1 "bulkhead.dev/guest/internal/gen/filesystem"
)

// Remove implements filesystem.Filesystem. What is not there is removed already. A link is removed, not what it leads to, also
// one that is swapped in meanwhile.
func (s *Service) Remove(ctx context.Context, request *connect.Request[filesystemv1.RemoveRequest]) (*connect.Response[filesystemv1.RemoveResponse], error) {
	t, err := s.target(request.Header(), request.Msg.GetPath())
	switch {
	case err != nil:
	case t.path == "/":
		err = fault.New(connect.CodeInvalidArgument, "the root folder cannot be removed")
	default:
		err = t.user.Act(func() error { return beneath.RemoveAll(ctx, t.path) })
	}
	return answer(&filesystemv1.RemoveResponse{}, err)
}
