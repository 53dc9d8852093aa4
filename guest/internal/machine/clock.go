package machine

import "golang.org/x/sys/unix"

// SetClock sets the wall clock: a clone wakes up at the time of its template.
func (m *Machine) SetClock(unixNanos int64) error {
	if m.kind != Linux {
		// gVisor's clock is the host's, also after a restore, and clock_settime(2) is refused; a host's clock is not ours.
		return nil
	}
	now := unix.NsecToTimespec(unixNanos)
	return unix.ClockSettime(unix.CLOCK_REALTIME, &now)
}
