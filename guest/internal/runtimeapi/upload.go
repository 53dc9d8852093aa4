package runtimeapi

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/beneath"
	"bulkhead.dev/guest/internal/fault"
)

const (
	folderMode = 0o755
	fileMode   = 0o644
	copyBuffer = 128 << 10
)

// upload writes the part named `file` under its filename, a path. It goes to the disk as it arrives, beside its place, and takes that when it is whole:
// who reads sees the old content or the new one.
func (s *Service) upload(w http.ResponseWriter, r *http.Request, _ string) error {
	form, err := r.MultipartReader()
	if err != nil {
		return fault.New(connect.CodeInvalidArgument, "the body is not multipart/form-data: %w", err)
	}
	for {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			return fault.New(connect.CodeInvalidArgument, "the body has no part named file")
		}
		if err != nil {
			return damaged(err)
		}
		if part.FormName() != "file" {
			continue
		}
		given, err := filename(part)
		if err == nil {
			err = s.write(given, part)
		}
		if err != nil {
			return err
		}
		answer(w, http.StatusOK, message{fmt.Sprintf("File '%s' uploaded successfully.", given)})
		return nil
	}
}

// filename as sent. (*multipart.Part).FileName would cut it down to its last element.
func filename(part *multipart.Part) (string, error) {
	_, parameters, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil || parameters["filename"] == "" {
		return "", fault.New(connect.CodeInvalidArgument, "the part named file has no filename: it is the path to write to")
	}
	return parameters["filename"], nil
}

func (s *Service) write(given string, content io.Reader) error {
	base, name, err := s.locate(given)
	if err != nil {
		return err
	}
	defer base.Close()
	mode, err := modeFor(base, name)
	if err != nil {
		return err
	}
	if err := base.MkdirAll(path.Dir(name), folderMode); err != nil {
		return blocked(name, err)
	}
	draft := path.Join(path.Dir(name), ".upload-"+rand.Text())
	file, err := base.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return blocked(name, err)
	}
	reading := &source{Reader: content}
	_, err = io.CopyBuffer(struct{ io.Writer }{file}, reading, make([]byte, copyBuffer))
	if reading.failure != nil {
		err = damaged(reading.failure)
	}
	if err == nil && mode != fileMode {
		err = file.Chmod(mode)
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = base.Rename(draft, name)
	}
	if err != nil {
		return errors.Join(err, base.Remove(draft))
	}
	return nil
}

// modeFor is the mode of the file that is replaced, so that a program stays one.
func modeFor(base *beneath.Folder, name string) (os.FileMode, error) {
	stat, err := base.Lstat(name)
	switch {
	case err != nil && !missing(err):
		return 0, err
	case err == nil && stat.Mode&unix.S_IFMT == unix.S_IFDIR:
		return 0, fault.New(connect.CodeInvalidArgument, "%q is a folder", name)
	case err == nil && stat.Mode&unix.S_IFMT == unix.S_IFREG:
		return os.FileMode(stat.Mode & 0o777), nil
	}
	return fileMode, nil
}

// blocked: parents are made, so that what is missing is something else's fault.
func blocked(name string, err error) error {
	if errors.Is(err, unix.ENOTDIR) {
		return fault.New(connect.CodeInvalidArgument, "a file is where a folder of %q would be", name)
	}
	return err
}

// source remembers that it was the reading that failed, which is the client's fault.
type source struct {
	io.Reader
	failure error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.failure = err
	}
	return n, err
}

func damaged(err error) error {
	return fault.New(connect.CodeInvalidArgument, "the multipart body is damaged or ends too early: %w", err)
}
