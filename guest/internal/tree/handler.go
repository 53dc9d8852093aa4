// Package tree moves folders in and out of the guest as tar streams.
package tree

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strconv"

	"bulkhead.dev/guest/internal/beneath"
	"bulkhead.dev/guest/internal/body"
	"bulkhead.dev/guest/internal/fault"
	"bulkhead.dev/guest/internal/identity"
	"bulkhead.dev/guest/internal/users"
)

// errorTrailer says why a stream ended without tar's end marker.
const errorTrailer = "X-Tree-Error"

// Service serves
//
//	GET /tree?path=&username=   the content of a folder, or a single file, as application/x-tar
//	PUT /tree?path=&username=   a tar stream (also with Content-Encoding: gzip) into a folder, which is made; answers {"entries","bytes"}
//
// Paths as everywhere: absolute, ~/…, or relative to the user's home. Errors before the first byte are {"code","message"}; later ones end
// the stream without its end marker, with the reason in the trailer X-Tree-Error, as a quoted string.
type Service struct{ ids *identity.Store }

// NewService makes the service; the default user comes from ids.
func NewService(ids *identity.Store) *Service { return &Service{ids} }

// Register puts the service's routes into mux.
func (s *Service) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /tree", s.get)
	mux.HandleFunc("PUT /tree", s.put)
}

func (s *Service) get(w http.ResponseWriter, r *http.Request) {
	user, path, err := s.target(r)
	var from source
	if err == nil {
		from, err = open(user, path)
	}
	if err != nil {
		fault.Write(w, err)
		return
	}
	defer from.root.Close()
	w.Header().Set("Trailer", errorTrailer)
	w.Header().Set("Content-Type", "application/x-tar")
	if err := pack(r.Context(), user, from, w); err != nil {
		w.Header().Set(errorTrailer, strconv.QuoteToASCII(err.Error()))
	}
}

func (s *Service) put(w http.ResponseWriter, r *http.Request) {
	user, path, err := s.target(r)
	var result Result
	if err == nil {
		var stream io.Reader
		if stream, err = body.Decoded(r); err == nil {
			result, err = unpack(r.Context(), user, path, false, stream)
		}
	}
	if err != nil {
		fault.Write(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(result) // the client may have gone
}

func (s *Service) target(r *http.Request) (*users.User, string, error) {
	user, err := users.OfRequest(r, s.ids)
	if err != nil {
		return nil, "", err
	}
	path, err := user.Resolve(r.URL.Query().Get("path"))
	return user, path, err
}

// Copy copies a file or folder to a new name, as the user; as root with its owners.
func Copy(ctx context.Context, user *users.User, from, to string) error {
	var root *beneath.Folder
	err := user.Act(func() (err error) {
		root, err = beneath.Open(filepath.Dir(from))
		return err
	})
	if err != nil {
		return err
	}
	defer root.Close()
	read, write := io.Pipe()
	defer read.Close()
	go func() {
		write.CloseWithError(pack(ctx, user, source{root, filepath.Base(from), filepath.Base(to)}, write))
	}()
	_, err = unpack(ctx, user, filepath.Dir(to), true, read)
	return err
}
