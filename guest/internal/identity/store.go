// Package identity holds what makes this guest different from its siblings: names, secrets and the defaults of its processes.
// The host gives it at boot and again after every restore; readers always see one whole identity, never half of two.
package identity

import (
	"maps"
	"sync/atomic"
)

// Identity is one version of it. Values are copies: changing one changes nothing in the store.
type Identity struct {
	Hostname string
	// MachineID is 32 lower-case hex digits, the content of /etc/machine-id.
	MachineID string
	// AccessToken is what X-Access-Token must carry; empty until the host has set one.
	AccessToken string
	// ChannelKey is what the next handshake on the channel must carry.
	ChannelKey string
	// Env is the default environment of processes.
	Env map[string]string
	// User is the default user of processes and file operations: a name or a uid in decimal. Empty: "user" if there is one, else root.
	User string
	// Workdir is the default working directory of processes. Empty: the user's home.
	Workdir string
}

// Store is safe for concurrent use. Its zero value holds the zero Identity.
type Store struct {
	current atomic.Pointer[Identity]
}

// NewStore makes a store that holds first.
func NewStore(first Identity) *Store {
	s := new(Store)
	s.Set(first)
	return s
}

// Current is the identity as last set.
func (s *Store) Current() Identity {
	held := s.current.Load()
	if held == nil {
		return Identity{}
	}
	return held.clone()
}

// Set replaces the identity as a whole.
func (s *Store) Set(next Identity) {
	held := next.clone()
	s.current.Store(&held)
}

// ChannelKey is Current().ChannelKey without the copy: the channel asks for it with every line that looks like a handshake.
func (s *Store) ChannelKey() string {
	held := s.current.Load()
	if held == nil {
		return ""
	}
	return held.ChannelKey
}

// AccessToken is Current().AccessToken without the copy: every request asks for it.
func (s *Store) AccessToken() string {
	held := s.current.Load()
	if held == nil {
		return ""
	}
	return held.AccessToken
}

func (i Identity) clone() Identity {
	i.Env = maps.Clone(i.Env)
	return i
}
