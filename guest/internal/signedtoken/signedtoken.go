// Package signedtoken checks the tokens of a pod. The pods of a pool are made from one template, so none of them can be given a secret of
// its own, and one that they shared would let a root attacker in one speak to all others. So nothing in a pod is secret: the server signs
// each token with a key that only it has, for one pod and a short time, and the pod knows the public key and its own uid.
//
// A token is 120 characters, base64url (RFC 4648 §5) without padding, of 90 bytes:
//
//	1   version, 1
//	1   audience: 1 for the data protocol, 2 for the host's own service
//	16  uid of the pod
//	8   expiry, seconds since 1970, big-endian
//	64  Ed25519 signature (RFC 8032) over "bulkhead pod token\x00" and the 26 bytes before
//
// Its counterpart is packages/kubernetes/src/backend/signed-token.ts.
package signedtoken

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Audience is what a token is good for.
type Audience byte

const (
	// Client may use the data protocol.
	Client Audience = 1
	// Host may use the host's own service.
	Host Audience = 2
)

const (
	version       = 1
	domain        = "bulkhead pod token\x00"
	payloadBytes  = 1 + 1 + 16 + 8
	tokenBytes    = payloadBytes + ed25519.SignatureSize
	maxKeys       = 4
	maxAheadHours = 1
)

// tokenLength is the only length a token can have: what is longer is not even decoded.
var tokenLength = base64.RawURLEncoding.EncodedLen(tokenBytes)

// Verifier knows one pod's uid and whose signature counts. Nothing it compares is secret.
type Verifier struct {
	keys []ed25519.PublicKey
	pod  [16]byte
	now  func() time.Time
}

// NewVerifier takes public keys (base64url of 32 bytes, joined by commas: one more than one while a key is being replaced) and the pod's uid.
func NewVerifier(keys, podUID string) (*Verifier, error) {
	v := &Verifier{now: time.Now}
	pod, err := parseUID(podUID)
	if err != nil {
		return nil, err
	}
	v.pod = pod
	texts := strings.Split(keys, ",")
	if len(texts) > maxKeys {
		return nil, fmt.Errorf("%d public keys, more than %d", len(texts), maxKeys)
	}
	for _, text := range texts {
		key, err := base64.RawURLEncoding.Strict().DecodeString(text)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("public key %q is not base64url of %d bytes", text, ed25519.PublicKeySize)
		}
		v.keys = append(v.keys, key)
	}
	return v, nil
}

// Permits says whether token was signed for this pod and audience, and has not expired.
func (v *Verifier) Permits(audience Audience, token string) bool {
	if len(token) != tokenLength {
		return false
	}
	var raw [tokenBytes]byte
	// The decoder skips line breaks: fewer bytes come out then.
	if n, err := base64.RawURLEncoding.Strict().Decode(raw[:], []byte(token)); err != nil || n != tokenBytes {
		return false
	}
	payload, signature := raw[:payloadBytes], raw[payloadBytes:]
	if payload[0] != version || Audience(payload[1]) != audience || [16]byte(payload[2:18]) != v.pod {
		return false
	}
	expiry := binary.BigEndian.Uint64(payload[18:])
	// Unsigned on both sides: a time before 1970 is not one of a clock that anybody should trust.
	now := v.now().Unix()
	if now < 0 || uint64(now) >= expiry || expiry-uint64(now) > maxAheadHours*3600 {
		return false
	}
	message := append([]byte(domain), payload...)
	for _, key := range v.keys {
		if ed25519.Verify(key, message, signature) {
			return true
		}
	}
	return false
}

// parseUID reads the form in which Kubernetes writes uids: a UUID, lower case.
func parseUID(text string) (uid [16]byte, err error) {
	if len(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-' {
		digits := text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:]
		if _, err = hex.Decode(uid[:], []byte(digits)); err == nil {
			return uid, nil
		}
	}
	return uid, errors.New("the pod's uid is no UUID")
}
