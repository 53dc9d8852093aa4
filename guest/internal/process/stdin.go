package process

import (
	"context"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/fault"
	processv1 "bulkhead.dev/guest/internal/gen/process"
)

// SendInput implements process.Process.
func (s *Service) SendInput(ctx context.Context, request *connect.Request[processv1.SendInputRequest]) (*connect.Response[processv1.SendInputResponse], error) {
	p, err := s.registry.find(request.Msg.GetProcess())
	if err == nil {
		err = p.send(ctx, request.Msg.GetInput())
	}
	if err != nil {
		return nil, fault.Connect(err)
	}
	return connect.NewResponse(&processv1.SendInputResponse{}), nil
}

// StreamInput implements process.Process. It takes the next message once the one before is in the pipe: a process that reads slowly
// slows its client down, through HTTP/2's window of this stream.
func (s *Service) StreamInput(ctx context.Context, stream *connect.ClientStream[processv1.StreamInputRequest]) (*connect.Response[processv1.StreamInputResponse], error) {
	var p *proc
	for stream.Receive() {
		var err error
		switch event := stream.Msg().GetEvent().(type) {
		case *processv1.StreamInputRequest_Start:
			if p != nil {
				err = fault.New(connect.CodeInvalidArgument, "the process was selected already")
				break
			}
			p, err = s.registry.find(event.Start.GetProcess())
		case *processv1.StreamInputRequest_Data:
			if p == nil {
				err = fault.New(connect.CodeInvalidArgument, "the first message must select the process")
				break
			}
			err = p.send(ctx, event.Data.GetInput())
		}
		if err != nil {
			return nil, fault.Connect(err)
		}
	}
	if err := stream.Err(); err != nil {
		return nil, err
	}
	return connect.NewResponse(&processv1.StreamInputResponse{}), nil
}

// CloseStdin implements process.Process.
func (s *Service) CloseStdin(ctx context.Context, request *connect.Request[processv1.CloseStdinRequest]) (*connect.Response[processv1.CloseStdinResponse], error) {
	p, err := s.registry.find(request.Msg.GetProcess())
	if err == nil {
		err = p.input.closeStdin(ctx)
	}
	if err != nil {
		return nil, fault.Connect(err)
	}
	return connect.NewResponse(&processv1.CloseStdinResponse{}), nil
}

func (p *proc) send(ctx context.Context, in *processv1.ProcessInput) error {
	switch data := in.GetInput().(type) {
	case *processv1.ProcessInput_Stdin:
		if p.tty == nil {
			return p.input.write(ctx, data.Stdin)
		}
		return fault.New(connect.CodeInvalidArgument, "the process has a terminal: send its input as pty")
	case *processv1.ProcessInput_Pty:
		if p.tty != nil {
			return p.input.write(ctx, data.Pty)
		}
		return fault.New(connect.CodeInvalidArgument, "the process has no terminal: send its input as stdin")
	}
	return fault.New(connect.CodeInvalidArgument, "the message has no input")
}
