package filesystem

import (
	"context"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/fault"
	filesystemv1 "bulkhead.dev/guest/internal/gen/filesystem"
	"bulkhead.dev/guest/internal/keepalive"
)

// WatchDir implements filesystem.Filesystem. Errors besides those of a watch: data_loss when the client reads too slowly.
func (s *Service) WatchDir(ctx context.Context, request *connect.Request[filesystemv1.WatchDirRequest], stream *connect.ServerStream[filesystemv1.WatchDirResponse]) error {
	t, err := s.target(request.Header(), request.Msg.GetPath())
	if err != nil {
		return fault.Connect(err)
	}
	w, err := newWatch(t, watchOptions{request.Msg.GetRecursive(), request.Msg.GetIncludeEntry(), request.Msg.GetAllowNetworkMounts()})
	if err != nil {
		return fault.Connect(err)
	}
	defer w.close()
	start := &filesystemv1.WatchDirResponse{Event: &filesystemv1.WatchDirResponse_Start{Start: &filesystemv1.WatchDirResponse_StartEvent{}}}
	if err := stream.Send(start); err != nil {
		return err
	}
	return fault.Connect(w.run(ctx, keepalive.Interval(request.Header()),
		func(event *filesystemv1.FilesystemEvent) error {
			return stream.Send(&filesystemv1.WatchDirResponse{Event: &filesystemv1.WatchDirResponse_Filesystem{Filesystem: event}})
		},
		func() error {
			return stream.Send(&filesystemv1.WatchDirResponse{Event: &filesystemv1.WatchDirResponse_Keepalive{Keepalive: &filesystemv1.WatchDirResponse_KeepAlive{}}})
		}))
}
