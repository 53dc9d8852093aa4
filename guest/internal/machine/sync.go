package machine

import "golang.org/x/sys/unix"

// Sync returns when all file systems have written what they had.
func (m *Machine) Sync() error {
	unix.Sync()
	return nil
}
