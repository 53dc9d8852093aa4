package files

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/body"
	"bulkhead.dev/guest/internal/fault"
	"bulkhead.dev/guest/internal/metadata"
	"bulkhead.dev/guest/internal/users"
)

const (
	folderMode = 0o755
	fileMode   = 0o644
	copyBuffer = 128 << 10
	// maxParts bounds the files of one multipart request, and so the answer.
	maxParts = 10_000
)

// written is one file in the answer to an upload.
type written struct {
	Path     string            `json:"path"`
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// upload writes each file as it arrives: nothing is held in memory or spooled.
func (s *Service) upload(w http.ResponseWriter, r *http.Request, user *users.User) error {
	pairs, err := metadata.FromHeader(r.Header)
	if err != nil {
		return err
	}
	content, err := body.Decoded(r)
	if err != nil {
		return err
	}
	up := &upload{user: user, metadata: pairs, buffer: make([]byte, copyBuffer), done: []written{}}
	path := r.URL.Query().Get("path")
	mediaType, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && mediaType == "multipart/form-data":
		err = up.parts(multipart.NewReader(content, parameters["boundary"]), path)
	case path == "":
		err = fault.New(connect.CodeInvalidArgument, "the request names no file: give ?path=")
	default:
		err = up.file(path, content)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(up.done) // the client may have gone
	return nil
}

type upload struct {
	user     *users.User
	metadata map[string]string
	buffer   []byte
	done     []written
}

// parts writes every part named `file`. path, if given, is where the only one goes.
func (u *upload) parts(form *multipart.Reader, path string) error {
	for {
		// Raw: a transfer encoding per part is nothing that HTTP knows.
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fault.New(connect.CodeInvalidArgument, "the multipart body is damaged or ends too early: %w", err)
		}
		if part.FormName() != "file" {
			continue
		}
		name := path
		if name == "" {
			if name, err = partPath(part); err != nil {
				return err
			}
		} else if len(u.done) > 0 {
			return fault.New(connect.CodeInvalidArgument, "?path= names one file, the request has more")
		}
		if len(u.done) == maxParts {
			return fault.New(connect.CodeInvalidArgument, "more than %d files in one request", maxParts)
		}
		if err := u.file(name, part); err != nil {
			return err
		}
	}
}

// partPath is the part's filename as sent. (*multipart.Part).FileName would cut it down to its last element.
func partPath(part *multipart.Part) (string, error) {
	_, parameters, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil || parameters["filename"] == "" {
		return "", fault.New(connect.CodeInvalidArgument, "a part named file has no filename: it is the path to write to")
	}
	return parameters["filename"], nil
}

// file writes one file in place: an existing one keeps its owner and mode. One that this request created is removed when it does not
// arrive whole; one that was there before is left with what arrived.
func (u *upload) file(name string, content io.Reader) error {
	path, err := u.user.Resolve(name)
	if err != nil {
		return err
	}
	f, created, err := u.create(path)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{f}, content, u.buffer)
	if err == nil {
		err = metadata.Replace(f, u.metadata)
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		if created {
			err = errors.Join(err, u.user.Act(func() error { return os.Remove(path) }))
		}
		return cut(path, err)
	}
	u.done = append(u.done, written{path, filepath.Base(path), "file", metadata.Clone(u.metadata)})
	return nil
}

// create opens the file empty, with its parents; created says whether it was not there before.
func (u *upload) create(path string) (f *os.File, created bool, err error) {
	err = u.user.Act(func() error {
		if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
			return err
		}
		var err error
		f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
		if !errors.Is(err, fs.ErrExist) {
			created = err == nil
			return err
		}
		// Not truncated at once: it may be no file.
		f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|harmless, fileMode)
		return err
	})
	switch {
	case errors.Is(err, unix.EISDIR):
		return nil, false, fault.New(connect.CodeInvalidArgument, "%s is a folder", path)
	case errors.Is(err, unix.ENOTDIR):
		return nil, false, fault.New(connect.CodeInvalidArgument, "a file is in the way of %s", path)
	case errors.Is(err, unix.ENXIO):
		return nil, false, notAFile(path)
	case err != nil:
		return nil, false, err
	case created:
		return f, true, nil
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notAFile(path)
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err != nil {
		return nil, false, errors.Join(err, f.Close())
	}
	return f, false, nil
}

// cut names the file in an error that came while it was being written; a body that ends early is the client's fault.
func cut(path string, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || strings.HasPrefix(err.Error(), "multipart: ") {
		return fault.New(connect.CodeInvalidArgument, "the content of %s ends too early: %w", path, err)
	}
	return fmt.Errorf("write %s: %w", path, err)
}
