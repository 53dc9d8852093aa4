// Package runtimeapi is the sandbox API's runtime interface (the one on port 8888): commands and files of one folder, over HTTP/1.1.
//
// Paths come percent-encoded, "/" as "%2F". A path is one below the base folder, also with a leading "/": the SDK takes that away itself where it
// uploads and downloads, and where it lists it does not.
package runtimeapi

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/beneath"
	"bulkhead.dev/guest/internal/fault"
)

// Service is the handler of the interface.
type Service struct{ settings Settings }

// New makes a Service. Its base folder has to exist when it is called.
func New(settings Settings) *Service { return &Service{settings} }

type route struct {
	method string
	serve  func(*Service, http.ResponseWriter, *http.Request, string) error
	// takesPath: the rest of the URL's path is that of a file.
	takesPath bool
}

var routes = map[string]route{
	"":         {http.MethodGet, (*Service).health, false},
	"execute":  {http.MethodPost, (*Service).execute, false},
	"upload":   {http.MethodPost, (*Service).upload, false},
	"download": {http.MethodGet, (*Service).download, true},
	"list":     {http.MethodGet, (*Service).list, true},
	"exists":   {http.MethodGet, (*Service).exists, true},
}

// ServeHTTP implements http.Handler. Not by http.ServeMux: that takes "%2E%2E%2F" for a path to clean up, and redirects.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, rest, hasRest := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	found, known := routes[name]
	if !known || hasRest != found.takesPath {
		answer(w, http.StatusNotFound, message{"Not Found"})
		return
	}
	if r.Method != found.method && !(r.Method == http.MethodHead && found.method == http.MethodGet) {
		w.Header().Set("Allow", found.method)
		answer(w, http.StatusMethodNotAllowed, message{"Method Not Allowed"})
		return
	}
	given, err := url.PathUnescape(rest)
	if err == nil {
		err = found.serve(s, w, r, given)
	}
	if err != nil {
		refuse(w, err)
	}
}

func (s *Service) health(w http.ResponseWriter, _ *http.Request, _ string) error {
	answer(w, http.StatusOK, struct {
		Status  string `json:"status"`
		Message string `json:"message"`
	}{"ok", "Sandbox runtime is active."})
	return nil
}

// locate opens the base, for each call anew, for a command may have replaced it; name is what is asked for in it.
func (s *Service) locate(given string) (base *beneath.Folder, name string, err error) {
	if name, err = local(given); err != nil {
		return nil, "", err
	}
	base, err = beneath.OpenFollowing(s.settings.BaseDir)
	return base, name, err
}

// local makes the path of a request into a name below the base. Fails with permission_denied for one that leads out.
func local(given string) (string, error) {
	if strings.IndexByte(given, 0) >= 0 {
		return "", fault.New(connect.CodeInvalidArgument, "a path has no NUL")
	}
	name := path.Clean(strings.TrimLeft(given, "/"))
	if name == ".." || strings.HasPrefix(name, "../") {
		return "", fault.New(connect.CodePermissionDenied, "%q leads out of the folder", given)
	}
	return name, nil
}

// message is the body of what is no answer, and of some that are.
type message struct {
	Message string `json:"message"`
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may have gone
}

func refuse(w http.ResponseWriter, err error) {
	if missing(err) {
		answer(w, http.StatusNotFound, message{"File not found"})
		return
	}
	status := fault.Status(err)
	if status == http.StatusForbidden {
		answer(w, status, message{"Access denied"})
		return
	}
	answer(w, status, message{err.Error()})
}

// missing: there is nothing of that name, nor can be, for a file is where a folder would have to be.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) }
