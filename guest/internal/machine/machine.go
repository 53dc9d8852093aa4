// Package machine is what the agent does to the machine it runs in: its random numbers, clock, names and end.
package machine

import (
	"sync"
)

// Kind says what kernel the agent runs on. What differs between them is decided by it, in the files of this package and of boot.
type Kind int

const (
	// Linux: a kernel of its own under a VMM; everything is permitted.
	Linux Kind = iota
	// GVisor: the Sentry. It has no clock, disks or modules of its own.
	GVisor
	// Host: the agent is an ordinary process (development, tests). It must not touch what is its host's.
	Host
	// Pod: the first process of a container with a kernel of its own. Its name and clock are Kubernetes' and the kernel's.
	Pod
)

// Machine implements guestservice.Machine.
type Machine struct {
	kind     Kind
	powerOff func()
	once     sync.Once

	bootLock sync.Mutex
	bootID   string // only where the kernel's own will not do
}

// New makes the machine. powerOff is called once, in a goroutine of its own.
func New(kind Kind, powerOff func()) *Machine { return &Machine{kind: kind, powerOff: powerOff} }

// PowerOff begins to end the machine and returns at once. Later calls do nothing.
func (m *Machine) PowerOff() { m.once.Do(func() { go m.powerOff() }) }
