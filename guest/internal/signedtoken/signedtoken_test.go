package signedtoken

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"
	"time"
)

const (
	ours   = "0b7a1f0e-3c52-4b1e-9d11-6f0a2b3c4d5e"
	theirs = "0b7a1f0e-3c52-4b1e-9d11-6f0a2b3c4d5f"
)

var now = time.Unix(1_800_000_000, 0)

// keyOf makes the same pair of keys for the same seed.
func keyOf(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func public(key ed25519.PrivateKey) string {
	return base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
}

type claims struct {
	version  byte
	audience Audience
	pod      string
	expiry   uint64
	domain   string
}

func (c claims) sign(t *testing.T, key ed25519.PrivateKey) []byte {
	t.Helper()
	uid, err := parseUID(c.pod)
	if err != nil {
		t.Fatal(err)
	}
	payload := append([]byte{c.version, byte(c.audience)}, uid[:]...)
	payload = binary.BigEndian.AppendUint64(payload, c.expiry)
	return append(payload, ed25519.Sign(key, append([]byte(c.domain), payload...))...)
}

func TestPermits(t *testing.T) {
	servers, strangers := keyOf(1), keyOf(2)
	valid := claims{1, Client, ours, uint64(now.Unix()) + 300, domain}
	with := func(change func(*claims)) claims {
		changed := valid
		change(&changed)
		return changed
	}
	encode := base64.RawURLEncoding.EncodeToString
	good := encode(valid.sign(t, servers))
	flipped := func(at int) string {
		raw := valid.sign(t, servers)
		raw[at] ^= 1
		return encode(raw)
	}
	for _, c := range []struct {
		name  string
		token string
		want  bool
	}{
		{"as signed", good, true},
		{"up to the last second", encode(with(func(c *claims) { c.expiry = uint64(now.Unix()) + 1 }).sign(t, servers)), true},
		{"none", "", false},
		{"signed by somebody else", encode(valid.sign(t, strangers)), false},
		{"expired this second", encode(with(func(c *claims) { c.expiry = uint64(now.Unix()) }).sign(t, servers)), false},
		{"expired long ago", encode(with(func(c *claims) { c.expiry = 0 }).sign(t, servers)), false},
		{"good for longer than any is", encode(with(func(c *claims) { c.expiry = uint64(now.Unix()) + 3601 }).sign(t, servers)), false},
		{"never to expire", encode(with(func(c *claims) { c.expiry = 1<<64 - 1 }).sign(t, servers)), false},
		{"of another pod", encode(with(func(c *claims) { c.pod = theirs }).sign(t, servers)), false},
		{"for the host's service", encode(with(func(c *claims) { c.audience = Host }).sign(t, servers)), false},
		{"of another version", encode(with(func(c *claims) { c.version = 2 }).sign(t, servers)), false},
		{"signed as something else", encode(with(func(c *claims) { c.domain = "bulkhead something\x00" }).sign(t, servers)), false},
		{"with another expiry than was signed", flipped(25), false},
		{"with another pod than was signed", flipped(17), false},
		{"with a bit of its signature changed", flipped(89), false},
		{"cut short", good[:len(good)-1], false},
		{"cut in half", good[:60], false},
		{"payload alone", encode(valid.sign(t, servers)[:payloadBytes]), false},
		{"with more at its end", good + "A", false},
		{"twice", good + good, false},
		{"with padding", good[:len(good)-1] + "=", false},
		{"with a line break in it", good[:60] + "\n" + good[60:119], false},
		{"not in base64url", strings.Repeat("+", len(good)), false},
		{"of zeros", strings.Repeat("A", len(good)), false},
		{"very long", strings.Repeat("A", 1<<16), false},
	} {
		verifier, err := NewVerifier(public(servers), ours)
		if err != nil {
			t.Fatal(err)
		}
		verifier.now = func() time.Time { return now }
		if got := verifier.Permits(Client, c.token); got != c.want {
			t.Errorf("a token %s: permitted %v, want %v", c.name, got, c.want)
		}
	}
}

func TestAnyOfTheKeysCounts(t *testing.T) {
	old, next := keyOf(1), keyOf(2)
	verifier, err := NewVerifier(public(old)+","+public(next), ours)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []ed25519.PrivateKey{old, next} {
		token := claims{1, Host, ours, uint64(time.Now().Unix()) + 60, domain}.sign(t, key)
		if !verifier.Permits(Host, base64.RawURLEncoding.EncodeToString(token)) {
			t.Error("a token signed with one of the keys is refused")
		}
	}
}

// The server's own test (signed-token.test.ts) makes the same token from the same seed.
func TestVector(t *testing.T) {
	token := base64.RawURLEncoding.EncodeToString(claims{1, Client, ours, 1_800_000_300, domain}.sign(t, keyOf(1)))
	const want = "AQELeh8OPFJLHp0RbworPE1eAAAAAGtJ0yzqxvFPsS4zsv2jgeW5zHdqLZiFtjwt87RqKi3lx7w8fB0GrGTI4bSroj6DiWp4ruoRVTIoPMjTchRvNRKxKxkB"
	if token != want {
		t.Errorf("got %s", token)
	}
}

func TestNewVerifierRefuses(t *testing.T) {
	key := public(keyOf(1))
	for _, c := range []struct{ name, keys, pod string }{
		{"no key", "", ours},
		{"a short key", key[:20], ours},
		{"a private key", base64.RawURLEncoding.EncodeToString(keyOf(1)), ours},
		{"an empty key among others", key + ",", ours},
		{"many keys", strings.Repeat(key+",", 4) + key, ours},
		{"no uid", key, ""},
		{"a uid that is none", key, "my-pod"},
		{"a uid with other digits", key, strings.Replace(ours, "0b", "xy", 1)},
	} {
		if _, err := NewVerifier(c.keys, c.pod); err == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
}

func FuzzPermits(f *testing.F) {
	verifier, err := NewVerifier(public(keyOf(1)), ours)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("")
	f.Add(strings.Repeat("A", 120))
	f.Fuzz(func(t *testing.T, token string) {
		if verifier.Permits(Client, token) {
			t.Fatal("permitted without a signature")
		}
	})
}
