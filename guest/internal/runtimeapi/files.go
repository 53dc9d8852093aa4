package runtimeapi

import (
	"io/fs"
	"net/http"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/beneath"
)

// download answers with a file's bytes, or a range of them. What is no file of bytes is not there: a pipe would be read for ever.
func (s *Service) download(w http.ResponseWriter, r *http.Request, given string) error {
	base, name, err := s.locate(given)
	if err != nil {
		return err
	}
	defer base.Close()
	file, err := base.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &fs.PathError{Op: "download", Path: given, Err: fs.ErrNotExist}
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", info.ModTime(), file)
	return nil
}

// exists: a link that leads nowhere is nothing.
func (s *Service) exists(w http.ResponseWriter, _ *http.Request, given string) error {
	base, name, err := s.locate(given)
	if err != nil {
		return err
	}
	defer base.Close()
	_, err = base.Stat(name)
	if err != nil && !missing(err) {
		return err
	}
	answer(w, http.StatusOK, struct {
		Path   string `json:"path"`
		Exists bool   `json:"exists"`
	}{given, err == nil})
	return nil
}

type entry struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	// Type is file or directory; whatever else there is counts as a file.
	Type string `json:"type"`
	// ModTime is in seconds since 1970.
	ModTime float64 `json:"mod_time"`
}

func (s *Service) list(w http.ResponseWriter, _ *http.Request, given string) error {
	base, name, err := s.locate(given)
	if err != nil {
		return err
	}
	defer base.Close()
	folder, err := base.OpenFile(name, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return err
	}
	slices.Sort(names)
	entries := make([]entry, 0, len(names))
	for _, one := range names {
		if found, err := describe(base, path.Join(name, one)); err == nil { // it may be gone by now
			found.Name = one
			entries = append(entries, found)
		}
	}
	answer(w, http.StatusOK, entries)
	return nil
}

// describe tells of a link what it leads to, or of itself, where that is nothing or lies outside.
func describe(base *beneath.Folder, name string) (entry, error) {
	stat, err := base.Lstat(name)
	if err != nil {
		return entry{}, err
	}
	if stat.Mode&unix.S_IFMT == unix.S_IFLNK {
		if target, err := base.Stat(name); err == nil {
			stat = target
		}
	}
	found := entry{Size: stat.Size, Type: "file", ModTime: float64(stat.Mtim.Sec) + float64(stat.Mtim.Nsec)/1e9}
	if stat.Mode&unix.S_IFMT == unix.S_IFDIR {
		found.Type = "directory"
	}
	return found, nil
}
