package guestservice

import (
	"context"
	"fmt"
	"log"
	"regexp"
	"strings"

	"connectrpc.com/connect"

	guestv1 "bulkhead.dev/guest/internal/gen/bulkhead/guest/v1"
	"bulkhead.dev/guest/internal/identity"
)

// minEntropyBytes is the security level that the kernel's generator is seeded to at least: 256 bits.
const minEntropyBytes = 32

// Configure gives the guest its identity, at boot and after every restore. Entropy comes first: nothing that follows may draw on a state
// that a sibling clone shares. Fails invalid_argument, before anything has changed, and internal when the generator or the clock could
// not be set: two clones must not share a random number or a time, so such a guest must not run on.
func (s *Service) Configure(ctx context.Context, req *connect.Request[guestv1.ConfigureRequest]) (*connect.Response[guestv1.ConfigureResponse], error) {
	wanted := req.Msg
	if err := check(wanted); err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	s.configuring.Lock()
	defer s.configuring.Unlock()
	if err := s.machine.Seed(wanted.Entropy); err != nil {
		return nil, connect.NewError(connect.CodeInternal, fmt.Errorf("seed the kernel's generator: %w", err))
	}
	if err := s.machine.SetClock(wanted.WallClockUnixNanos); err != nil {
		return nil, connect.NewError(connect.CodeInternal, fmt.Errorf("set the clock: %w", err))
	}
	if err := s.machine.SetNames(wanted.Hostname, wanted.MachineId); err != nil {
		// The names in /etc are a convenience: a guest whose root has filled its disk or replaced /etc gets its keys and token
		// nevertheless. Evidence shows the names as they are.
		log.Printf("configure: %v", err)
	}
	s.ids.Set(identity.Identity{
		Hostname:    wanted.Hostname,
		MachineID:   wanted.MachineId,
		AccessToken: wanted.AccessToken,
		ChannelKey:  wanted.ChannelKey,
		Env:         wanted.Env,
		User:        wanted.User,
		Workdir:     wanted.Workdir,
	})
	s.closeOthers(ctx)
	return connect.NewResponse(&guestv1.ConfigureResponse{AgentVersion: s.version}), nil
}

var (
	hexDigits = regexp.MustCompile(`^[0-9a-f]{32}$`)
	// hostLabel: RFC 1123, and at most what sethostname(2) takes less one.
	hostLabel = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`)
)

func check(wanted *guestv1.ConfigureRequest) error {
	switch {
	case !hostLabel.MatchString(wanted.Hostname):
		return fmt.Errorf("hostname %q is no RFC 1123 label", wanted.Hostname)
	case !hexDigits.MatchString(wanted.MachineId):
		return fmt.Errorf("machine_id is not 32 lower-case hex digits")
	case !hexDigits.MatchString(wanted.ChannelKey):
		return fmt.Errorf("channel_key is not 32 lower-case hex digits")
	case wanted.AccessToken == "":
		return fmt.Errorf("access_token is empty")
	case len(wanted.Entropy) < minEntropyBytes:
		return fmt.Errorf("entropy has %d bytes, fewer than %d", len(wanted.Entropy), minEntropyBytes)
	case wanted.WallClockUnixNanos <= 0:
		return fmt.Errorf("wall_clock_unix_nanos is %d, not after 1970", wanted.WallClockUnixNanos)
	case strings.ContainsRune(wanted.User, 0) || strings.ContainsRune(wanted.Workdir, 0):
		return fmt.Errorf("user or workdir contains a NUL")
	case wanted.Workdir != "" && !strings.HasPrefix(wanted.Workdir, "/"):
		return fmt.Errorf("workdir %q is not absolute", wanted.Workdir)
	}
	for name, value := range wanted.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.ContainsRune(value, 0) {
			return fmt.Errorf("env %q: a name is not empty and has no '='; neither name nor value has a NUL", name)
		}
	}
	return nil
}
