package files

import (
	"compress/gzip"
	"errors"
	"io"
	"log"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/fault"
	"bulkhead.dev/guest/internal/users"
)

// download answers with a file, whole or in part. Errors only before the answer has begun.
func (s *Service) download(w http.ResponseWriter, r *http.Request, user *users.User) error {
	path, err := user.Resolve(r.URL.Query().Get("path"))
	if err != nil {
		return err
	}
	f, err := openToRead(user, path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", contentType(path))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": filepath.Base(path)}))
	header.Set("Vary", "Accept-Encoding")
	if info.Size() > 0 && r.Header.Get("Range") == "" && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		return compressed(w, f)
	}
	http.ServeContent(w, r, path, info.ModTime(), f)
	return nil
}

// harmless are the flags for opening what may be no file: no waiting for the other end of a pipe, and no terminal becomes the agent's own,
// which would end with it by SIGHUP.
const harmless = unix.O_NONBLOCK | unix.O_NOCTTY

// openToRead refuses what is not a file.
func openToRead(user *users.User, path string) (*os.File, error) {
	f, err := user.Open(path, os.O_RDONLY|harmless, 0)
	if errors.Is(err, unix.ENXIO) {
		return nil, notAFile(path) // a socket
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = notAFile(path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func notAFile(path string) error {
	return fault.New(connect.CodeInvalidArgument, "%s is not a regular file", path)
}

func contentType(path string) string {
	if known := mime.TypeByExtension(filepath.Ext(path)); known != "" {
		return known
	}
	return "application/octet-stream"
}

// compressed sends f as gzip: fast rather than small.
func compressed(w http.ResponseWriter, f *os.File) error {
	w.Header().Set("Content-Encoding", "gzip")
	zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if _, err = io.Copy(zip, f); err == nil {
		err = zip.Close()
	}
	if err != nil {
		// Too late for a status. Without gzip's trailer the client sees that it is not whole.
		log.Printf("files: send %s: %v", f.Name(), err)
	}
	return nil
}

// acceptsGzip: named, and not with a weight of 0.
func acceptsGzip(accepted string) bool {
	for coding := range strings.SplitSeq(accepted, ",") {
		name, parameter, _ := strings.Cut(coding, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		weight, given := strings.CutPrefix(strings.TrimSpace(parameter), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		return !given || err == nil && q > 0
	}
	return false
}
