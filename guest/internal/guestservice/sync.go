package guestservice

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

	guestv1 "bulkhead.dev/guest/internal/gen/bulkhead/guest/v1"
)

// Sync returns when what was written before it is on the guest's disk.
func (s *Service) Sync(context.Context, *connect.Request[guestv1.SyncRequest]) (*connect.Response[guestv1.SyncResponse], error) {
	if err := s.machine.Sync(); err != nil {
		return nil, connect.NewError(connect.CodeInternal, fmt.Errorf("sync: %w", err))
	}
	return connect.NewResponse(&guestv1.SyncResponse{}), nil
}
