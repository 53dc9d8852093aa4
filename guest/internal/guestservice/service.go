// Package guestservice serves bulkhead.guest.v1.Guest: what the host needs of the guest beyond the data protocol.
package guestservice

import (
	"context"
	"net/http"
	"sync"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/gen/bulkhead/guest/v1/guestv1connect"
	"bulkhead.dev/guest/internal/identity"
)

// maxRequestBytes bounds a request. The environment is what may be large in one: execve takes no more than 2 MiB of it by default.
const maxRequestBytes = 4 << 20

// Machine is what the service does to the machine it runs in. internal/machine has the real one.
type Machine interface {
	// Seed mixes entropy from the host's generator into the kernel's, and makes it take effect at once.
	Seed(entropy []byte) error
	// SetClock sets the wall clock, in nanoseconds since 1970, UTC.
	SetClock(unixNanos int64) error
	// SetNames makes hostname and machineID known to the kernel and in /etc.
	SetNames(hostname, machineID string) error
	// BootID is the kernel's own, made when it is first asked for.
	BootID() (string, error)
	// Sync returns when what was written is on the disk.
	Sync() error
	// PowerOff begins to end the machine and returns at once; answers under way still get out.
	PowerOff()
}

// Service implements the RPCs, a file each.
type Service struct {
	ids         *identity.Store
	machine     Machine
	version     string
	closeOthers func(ctx context.Context)
	// configuring: one Configure at a time, so that what two of them set is never mixed.
	configuring sync.Mutex
}

var _ guestv1connect.GuestHandler = (*Service)(nil)

// NewService makes the service. version names the agent's build. closeOthers closes all connections but the one that the request of ctx
// came in on.
func NewService(ids *identity.Store, machine Machine, version string, closeOthers func(ctx context.Context)) *Service {
	return &Service{ids: ids, machine: machine, version: version, closeOthers: closeOthers}
}

// Register mounts the service.
func (s *Service) Register(mux *http.ServeMux) {
	mux.Handle(guestv1connect.NewGuestHandler(s, connect.WithReadMaxBytes(maxRequestBytes)))
}
