package files

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/url"
	"strconv"
	"time"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/fault"
)

const (
	reading = "read"
	writing = "write"
)

// signature lets whoever holds it read or write one path, without the token that it was made with:
//
//	"v1_" + base64(sha256("path:operation:user:token[:expiration]"))   without padding
//
// path and user as they stand in the URL, the user empty for the default; the expiration in seconds since 1970.
func signature(path, operation, user, token, expiration string) string {
	signed := path + ":" + operation + ":" + user + ":" + token
	if expiration != "" {
		signed += ":" + expiration
	}
	sum := sha256.Sum256([]byte(signed))
	return "v1_" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// verify checks the signature in a URL's query. Errors: unauthenticated.
func verify(query url.Values, operation, token string, now time.Time) error {
	expiration := query.Get("signature_expiration")
	wanted := signature(query.Get("path"), operation, query.Get("username"), token, expiration)
	if subtle.ConstantTimeCompare([]byte(query.Get("signature")), []byte(wanted)) != 1 {
		return fault.New(connect.CodeUnauthenticated, "the signature is missing or wrong")
	}
	if expiration == "" {
		return nil
	}
	seconds, err := strconv.ParseInt(expiration, 10, 64)
	if err != nil {
		return fault.New(connect.CodeUnauthenticated, "the signature's expiration is not a time in seconds")
	}
	if now.Unix() >= seconds {
		return fault.New(connect.CodeUnauthenticated, "the signature has expired")
	}
	return nil
}
