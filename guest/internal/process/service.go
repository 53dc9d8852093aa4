// Package process serves process.Process: it starts processes as the guest's users, and carries their input, output and end.
package process

import (
	"context"
	"math"
	"net/http"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/fault"
	processv1 "bulkhead.dev/guest/internal/gen/process"
	"bulkhead.dev/guest/internal/gen/process/processconnect"
	"bulkhead.dev/guest/internal/identity"
)

// maxMessage bounds one request message after decompression, in bytes: a piece of stdin, or argv and environment.
const maxMessage = 16 << 20

// Service holds the processes of one guest.
type Service struct {
	ids      *identity.Store
	registry registry
}

var _ processconnect.ProcessHandler = (*Service)(nil)

// NewService makes a service without processes. Default user, working directory and environment come from ids at each start.
func NewService(ids *identity.Store) *Service { return &Service{ids: ids} }

// Register puts the service's routes into mux. Requests may be compressed; answers are not: they stay on this machine, where
// compressing costs more than it saves.
func (s *Service) Register(mux *http.ServeMux) {
	mux.Handle(processconnect.NewProcessHandler(s,
		connect.WithReadMaxBytes(maxMessage), connect.WithCompressMinBytes(math.MaxInt)))
}

// List implements process.Process.
func (s *Service) List(context.Context, *connect.Request[processv1.ListRequest]) (*connect.Response[processv1.ListResponse], error) {
	return connect.NewResponse(&processv1.ListResponse{Processes: s.registry.list()}), nil
}

// Update implements process.Process: it resizes the terminal.
func (s *Service) Update(_ context.Context, request *connect.Request[processv1.UpdateRequest]) (*connect.Response[processv1.UpdateResponse], error) {
	p, err := s.registry.find(request.Msg.GetProcess())
	if err != nil {
		return nil, fault.Connect(err)
	}
	size := request.Msg.GetPty().GetSize()
	switch {
	case p.tty == nil:
		err = fault.New(connect.CodeFailedPrecondition, "the process has no terminal")
	case size.GetCols() == 0 || size.GetRows() == 0:
		err = fault.New(connect.CodeInvalidArgument, "a terminal has at least one column and one row")
	default:
		err = resize(p.tty, size)
	}
	if err != nil {
		return nil, fault.Connect(err)
	}
	return connect.NewResponse(&processv1.UpdateResponse{}), nil
}
