package identity

import (
	"maps"
	"testing"
)

// signatures stands for what checks them: the token is who it is good for.
type signatures struct{}

func (signatures) PermitsClient(token string) bool { return token == "client" }
func (signatures) PermitsHost(key string) bool     { return key == "host" }

func TestSignedStore(t *testing.T) {
	ids := NewSignedStore(signatures{}, Identity{Env: map[string]string{"PATH": "/bin", "LANG": "C"}, User: "1000", Workdir: "/app"})
	check := func(when string) {
		t.Helper()
		for _, token := range []string{"", "host", "secret", "key"} {
			if ids.PermitsClient(token) {
				t.Errorf("%s: the token %q is permitted", when, token)
			}
		}
		for _, key := range []string{"", "client", "secret", "key"} {
			if ids.PermitsHost(key) {
				t.Errorf("%s: the key %q is permitted", when, key)
			}
		}
		if !ids.PermitsClient("client") || !ids.PermitsHost("host") {
			t.Errorf("%s: what was signed is refused", when)
		}
		if _, shared := ids.SharedToken(); shared {
			t.Errorf("%s: there is a secret to sign URLs with", when)
		}
	}
	check("before the first identity")
	ids.Set(Identity{AccessToken: "secret", ChannelKey: "key", Env: map[string]string{"LANG": "de", "A": "b"}})
	check("after it")
	now := ids.Current()
	if !maps.Equal(now.Env, map[string]string{"PATH": "/bin", "LANG": "de", "A": "b"}) || now.User != "1000" || now.Workdir != "/app" {
		t.Errorf("what the identity does not say is not the base's: %+v", now)
	}
	ids.Set(Identity{User: "root"})
	if now := ids.Current(); now.Env["LANG"] != "C" || now.Env["A"] != "" || now.User != "root" {
		t.Errorf("something is left of the identity before: %+v", now)
	}
}
