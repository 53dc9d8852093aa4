package users

import (
	"path/filepath"
	"strings"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/fault"
)

// Resolve makes a client's path absolute and clean: absolute as it is, "~" and "~/x" from the user's home, anything else (also the
// empty path, and "~name", which is a file's name) relative to the user's home. Does not touch the file system and so resolves no symbolic links: whoever
// opens the path does, with the user's rights. Errors: invalid_argument for a NUL byte and for more than the system takes.
func (u *User) Resolve(path string) (string, error) {
	return u.ResolveFrom(u.Home, path)
}

// ResolveFrom is Resolve with another folder for relative paths.
func (u *User) ResolveFrom(base, path string) (string, error) {
	if strings.IndexByte(path, 0) >= 0 {
		return "", fault.New(connect.CodeInvalidArgument, "a path cannot contain a NUL byte")
	}
	if len(path) >= unix.PathMax {
		return "", fault.New(connect.CodeInvalidArgument, "the path has %d bytes, the system takes %d", len(path), unix.PathMax-1)
	}
	if path == "~" || strings.HasPrefix(path, "~/") {
		return filepath.Join("/", u.Home, path[1:]), nil
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	return filepath.Join("/", base, path), nil
}
