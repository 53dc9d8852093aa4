package machine

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"
)

const bootIDPath = "/proc/sys/kernel/random/boot_id"

// BootID is the kernel's, in its form (a UUID). Linux makes it when it is first read, from its generator: it must not be read before the
// guest has its own entropy, or all clones of a template have the same.
//
// gVisor makes its own with its /proc and keeps it in a checkpoint, so all that is restored from one has the same, although each restore
// starts a kernel of its own. There it is made here, anew with each identity.
func (m *Machine) BootID() (string, error) {
	if m.kind != GVisor {
		text, err := os.ReadFile(bootIDPath)
		return strings.TrimSpace(string(text)), err
	}
	m.bootLock.Lock()
	defer m.bootLock.Unlock()
	if m.bootID == "" {
		m.bootID = newUUID()
	}
	return m.bootID, nil
}

// newUUID is a random one, version 4.
func newUUID() string {
	var u [16]byte
	rand.Read(u[:]) // never fails
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
