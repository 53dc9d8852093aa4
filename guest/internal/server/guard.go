package server

import (
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
// In a pod key and token are signed ones, see package signedtoken, and nothing is open before the first.
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
		return ids.PermitsHost(r.Header.Get("X-Bulkhead-Key"))
	case path == "/files":
		return true
	}
	return ids.PermitsClient(r.Header.Get("X-Access-Token"))
}
