// Package files serves the content of single files:
//
//	GET  /files?path=&username=   Range, If-…, gzip
//	POST /files?path=&username=   multipart/form-data (field `file`, its filename the full path unless ?path is given; may be
//	                              repeated) or any other type for the content itself; gzip; X-Metadata-* headers kept beside the file
//
// with the access token, or instead of it a signature in the URL. Errors are {"code","message"}; 507 when the disk is full.
package files

import (
	"net/http"
	"time"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/fault"
	"bulkhead.dev/guest/internal/identity"
	"bulkhead.dev/guest/internal/users"
)

// Service serves one guest's files. It checks access by itself, for a signature stands for the token here.
type Service struct{ ids *identity.Store }

// NewService makes the service; token and default user come from ids at each request.
func NewService(ids *identity.Store) *Service { return &Service{ids} }

// Register puts the service's routes into mux.
func (s *Service) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /files", s.handle(reading, s.download))
	mux.HandleFunc("POST /files", s.handle(writing, s.upload))
}

// handle finds out who asks, and writes what goes wrong before the answer began.
func (s *Service) handle(operation string, next func(http.ResponseWriter, *http.Request, *users.User) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, err := s.authorise(r, operation)
		if err == nil {
			err = next(w, r, user)
		}
		if err != nil {
			fault.Write(w, err)
		}
	}
}

// authorise gives the user that the request may act as: with the token any, with a signature the one that was signed.
func (s *Service) authorise(r *http.Request, operation string) (*users.User, error) {
	if s.ids.PermitsClient(r.Header.Get("X-Access-Token")) {
		return users.OfRequest(r, s.ids)
	}
	token, shared := s.ids.SharedToken()
	if !shared {
		return nil, fault.New(connect.CodeUnauthenticated, "the access token is missing or wrong; URLs cannot be signed here")
	}
	if err := verify(r.URL.Query(), operation, token, time.Now()); err != nil {
		return nil, err
	}
	return users.OfURL(r, s.ids)
}
