// Package identity holds what makes this guest different from its siblings: names, secrets and the defaults of its processes.
// The host gives it at boot and again after every restore; readers always see one whole identity, never half of two.
package identity

import (
	"cmp"
	"crypto/subtle"
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
	// signed and base are set before the store is used by more than one.
	signed Signed
	base   Identity
}

// Signed decides by signatures who may: where it does, no token or key of an identity counts. signedtoken has the real one.
type Signed interface {
	PermitsClient(token string) bool
	PermitsHost(key string) bool
}

// NewSignedStore makes a store whose requests are authorised by signed tokens. base says what holds where an identity says nothing: variables
// of the environment, the user and the working directory.
func NewSignedStore(signed Signed, base Identity) *Store {
	s := &Store{signed: signed, base: base.clone()}
	s.Set(Identity{})
	return s
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
	held := next.over(s.base)
	s.current.Store(&held)
}

// PermitsClient says whether a request with this X-Access-Token may use the data protocol. Without signatures anybody may until the host has
// set a token.
func (s *Store) PermitsClient(token string) bool {
	if s.signed != nil {
		return s.signed.PermitsClient(token)
	}
	wanted := s.accessToken()
	return wanted == "" || equal(token, wanted)
}

// PermitsHost says whether a request with this X-Bulkhead-Key may use the host's own service. Without a key nobody may.
func (s *Store) PermitsHost(key string) bool {
	if s.signed != nil {
		return s.signed.PermitsHost(key)
	}
	wanted := s.ChannelKey()
	return wanted != "" && equal(key, wanted)
}

// SharedToken is the secret that URLs are signed with: the access token. Where tokens are signed there is none.
func (s *Store) SharedToken() (token string, shared bool) {
	if s.signed != nil {
		return "", false
	}
	token = s.accessToken()
	return token, token != ""
}

func equal(given, wanted string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(wanted)) == 1
}

// ChannelKey is Current().ChannelKey without the copy: the channel asks for it with every line that looks like a handshake.
func (s *Store) ChannelKey() string {
	held := s.current.Load()
	if held == nil {
		return ""
	}
	return held.ChannelKey
}

// accessToken is Current().AccessToken without the copy: every request asks for it.
func (s *Store) accessToken() string {
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

// over is a copy that has what base has where it says nothing itself.
func (i Identity) over(base Identity) Identity {
	env := maps.Clone(base.Env)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, i.Env)
	i.Env = env
	i.User = cmp.Or(i.User, base.User)
	i.Workdir = cmp.Or(i.Workdir, base.Workdir)
	return i
}
