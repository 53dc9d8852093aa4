package process

import (
	"context"
	"errors"
	"os"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/fault"
	processv1 "bulkhead.dev/guest/internal/gen/process"
)

// maxSignal is SIGRTMAX.
const maxSignal = 64

// SendSignal implements process.Process.
func (s *Service) SendSignal(_ context.Context, request *connect.Request[processv1.SendSignalRequest]) (*connect.Response[processv1.SendSignalResponse], error) {
	p, err := s.registry.find(request.Msg.GetProcess())
	if err != nil {
		return nil, fault.Connect(err)
	}
	number := request.Msg.GetSignal()
	if number < 1 || number > maxSignal {
		return nil, fault.Connect(fault.New(connect.CodeInvalidArgument, "%d is not a signal: 1 to %d", number, maxSignal))
	}
	err = p.child.SignalGroup(unix.Signal(number))
	if errors.Is(err, os.ErrProcessDone) {
		err = notRunning(request.Msg.GetProcess())
	}
	if err != nil {
		return nil, fault.Connect(err)
	}
	return connect.NewResponse(&processv1.SendSignalResponse{}), nil
}
