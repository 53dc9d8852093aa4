package guestservice

import (
	"context"

	"connectrpc.com/connect"

	guestv1 "bulkhead.dev/guest/internal/gen/bulkhead/guest/v1"
)

// PowerOff begins to end the machine. The answer comes before the power goes.
func (s *Service) PowerOff(context.Context, *connect.Request[guestv1.PowerOffRequest]) (*connect.Response[guestv1.PowerOffResponse], error) {
	s.machine.PowerOff()
	return connect.NewResponse(&guestv1.PowerOffResponse{}), nil
}
