package process

import (
	"context"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/fault"
	processv1 "bulkhead.dev/guest/internal/gen/process"
	"bulkhead.dev/guest/internal/users"
)

// Start implements process.Process. The call's deadline belongs to the process, not to the call: it is kept also when the client
// leaves earlier (a client with the same deadline hangs up at that very moment).
func (s *Service) Start(ctx context.Context, request *connect.Request[processv1.StartRequest], stream *connect.ServerStream[processv1.StartResponse]) error {
	user, err := users.OfCall(request.Header(), s.ids)
	if err != nil {
		return fault.Connect(err)
	}
	cmd, err := newCommand(request.Msg.GetProcess(), request.Msg.Pty != nil, user, s.ids.Current())
	if err != nil {
		return fault.Connect(err)
	}
	p, reader, err := start(cmd, request.Msg, user.UID)
	if err != nil {
		return fault.Connect(err)
	}
	if deadline, limited := ctx.Deadline(); limited {
		p.killAt(deadline)
	}
	s.registry.add(p)
	return follow(ctx, p, reader, clientOf(request.Header()), func(event *processv1.ProcessEvent) error {
		return stream.Send(&processv1.StartResponse{Event: event})
	})
}

// Connect implements process.Process.
func (s *Service) Connect(ctx context.Context, request *connect.Request[processv1.ConnectRequest], stream *connect.ServerStream[processv1.ConnectResponse]) error {
	p, err := s.registry.findForReader(request.Msg.GetProcess())
	if err != nil {
		return fault.Connect(err)
	}
	return follow(ctx, p, p.output.join(), clientOf(request.Header()), func(event *processv1.ProcessEvent) error {
		return stream.Send(&processv1.ConnectResponse{Event: event})
	})
}
