package guestservice

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	guestv1 "bulkhead.dev/guest/internal/gen/bulkhead/guest/v1"
)

// maxNonceBytes bounds what is echoed.
const maxNonceBytes = 256

// Evidence says what the inside sees of itself, read at the time of the call: uname(2), CLOCK_BOOTTIME, /etc/machine-id and the kernel's
// boot id. Root in the guest can make all of it up; the host compares it with what it sees itself.
func (s *Service) Evidence(_ context.Context, req *connect.Request[guestv1.EvidenceRequest]) (*connect.Response[guestv1.EvidenceResponse], error) {
	if len(req.Msg.Nonce) > maxNonceBytes {
		return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("nonce has %d bytes, more than %d", len(req.Msg.Nonce), maxNonceBytes))
	}
	var kernel unix.Utsname
	if err := unix.Uname(&kernel); err != nil {
		return nil, connect.NewError(connect.CodeInternal, fmt.Errorf("uname: %w", err))
	}
	var up unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &up); err != nil {
		return nil, connect.NewError(connect.CodeInternal, fmt.Errorf("clock_gettime: %w", err))
	}
	bootID, err := s.machine.BootID()
	if err != nil {
		return nil, connect.NewError(connect.CodeInternal, fmt.Errorf("boot id: %w", err))
	}
	return connect.NewResponse(&guestv1.EvidenceResponse{
		Nonce:              req.Msg.Nonce,
		BootId:             bootID,
		KernelRelease:      unix.ByteSliceToString(kernel.Release[:]),
		KernelVersion:      unix.ByteSliceToString(kernel.Version[:]),
		Hostname:           unix.ByteSliceToString(kernel.Nodename[:]),
		MachineId:          machineID(),
		UptimeMillis:       up.Nano() / int64(time.Millisecond),
		WallClockUnixNanos: time.Now().UnixNano(),
	}), nil
}

// machineID is the content of /etc/machine-id; empty when there is none that could be one.
func machineID() string {
	file, err := os.OpenFile("/etc/machine-id", os.O_RDONLY|unix.O_NONBLOCK, 0) // it may be a FIFO by now
	if err != nil {
		return ""
	}
	defer file.Close()
	var text [64]byte
	n, err := file.Read(text[:])
	if err != nil {
		return ""
	}
	if id := strings.TrimSpace(string(text[:n])); hexDigits.MatchString(id) {
		return id
	}
	return ""
}
