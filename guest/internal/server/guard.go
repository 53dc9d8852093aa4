package server

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/fault"
	"bulkhead.dev/guest/internal/identity"
)

// guestPrefix is the host's own service: it needs the channel key, which no client of the data protocol has.
const guestPrefix = "/bulkhead.guest.v1.Guest/"

// guard lets a request through when it has shown what its path asks for:
//
//	GET /health                  nothing
//	/bulkhead.guest.v1.Guest/…   X-Bulkhead-Key: the channel key
//	/files                       nothing here: the handler checks for itself, since a signature may stand for the token
//	everything else              X-Access-Token: the token, once the host has set one
//
// The mux cleans paths by redirecting, so a path that reaches a handler is the one looked at here.
func guard(ids *identity.Store, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if permitted(ids, r) {
			next.ServeHTTP(w, r)
			return
		}
		fault.Write(w, fault.New(connect.CodeUnauthenticated, "the access token is missing or wrong"))
	})
}

func permitted(ids *identity.Store, r *http.Request) bool {
	path := r.URL.Path
	switch {
	case path == "/health" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		return true
	case strings.HasPrefix(path, guestPrefix):
		key := ids.ChannelKey()
		return key != "" && equal(r.Header.Get("X-Bulkhead-Key"), key)
	case path == "/files":
		return true
	}
	token := ids.AccessToken()
	return token == "" || equal(r.Header.Get("X-Access-Token"), token)
}

func equal(given, wanted string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(wanted)) == 1
}
