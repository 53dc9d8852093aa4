// Package metadata keeps clients' key-value pairs beside a file, as extended attributes `user.e2b.<key>`; headers X-Metadata-<Key> on the wire.
package metadata

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"os"
	"strings"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/fault"
)

const (
	attributePrefix = "user.e2b."
	headerPrefix    = "X-Metadata-"
	// Linux's own bounds of an attribute's name, of a value, and of the list of names, in bytes.
	maxName  = 255
	maxValue = 64 << 10
	maxList  = 64 << 10
)

// FromHeader takes the pairs out of a request's headers. Header names know no case: keys come out in lower case.
// Errors: invalid_argument for a key longer than an attribute's name can be.
func FromHeader(header http.Header) (map[string]string, error) {
	pairs := map[string]string{}
	for name, values := range header {
		key, ours := strings.CutPrefix(name, headerPrefix)
		if !ours || key == "" {
			continue
		}
		if len(attributePrefix)+len(key) > maxName {
			return nil, fault.New(connect.CodeInvalidArgument, "the metadata key %.20q… is longer than %d bytes", key, maxName-len(attributePrefix))
		}
		pairs[strings.ToLower(key)] = values[0]
	}
	return pairs, nil
}

// Replace makes pairs the whole metadata of an open file. Errors: those of fsetxattr; a file system without such attributes fails only
// when there is something to keep.
func Replace(file *os.File, pairs map[string]string) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = replace(int(fd), pairs) })
	return errors.Join(err, failed)
}

func replace(fd int, pairs map[string]string) error {
	for name := range names(func(to []byte) (int, error) { return unix.Flistxattr(fd, to) }) {
		if _, stays := pairs[strings.TrimPrefix(name, attributePrefix)]; !stays {
			if err := unix.Fremovexattr(fd, name); err != nil && !errors.Is(err, unix.ENODATA) {
				return err
			}
		}
	}
	for key, value := range pairs {
		if err := unix.Fsetxattr(fd, attributePrefix+key, []byte(value), 0); err != nil {
			return fault.New(fault.Code(err), "keep the metadata %q: %w", key, err)
		}
	}
	return nil
}

// Read gives the metadata of the file at path; links are not followed. nil when there is none or the file system knows none.
func Read(path string) map[string]string {
	var pairs map[string]string
	for name := range names(func(to []byte) (int, error) { return unix.Llistxattr(path, to) }) {
		value := make([]byte, 256)
		n, err := unix.Lgetxattr(path, name, value)
		if errors.Is(err, unix.ERANGE) {
			value = make([]byte, maxValue)
			n, err = unix.Lgetxattr(path, name, value)
		}
		if err != nil {
			continue // removed meanwhile
		}
		if pairs == nil {
			pairs = map[string]string{}
		}
		pairs[strings.TrimPrefix(name, attributePrefix)] = strings.ToValidUTF8(string(value[:n]), "\uFFFD")
	}
	return pairs
}

// names of our attributes.
func names(list func([]byte) (int, error)) map[string]struct{} {
	buffer := make([]byte, 512)
	n, err := list(buffer)
	if errors.Is(err, unix.ERANGE) {
		buffer = make([]byte, maxList)
		n, err = list(buffer)
	}
	if err != nil || n == 0 {
		return nil
	}
	found := map[string]struct{}{}
	for name := range bytes.SplitSeq(buffer[:n], []byte{0}) {
		if bytes.HasPrefix(name, []byte(attributePrefix)) {
			found[string(name)] = struct{}{}
		}
	}
	return found
}

// Clone copies pairs, nil for none: so that JSON leaves them out.
func Clone(pairs map[string]string) map[string]string {
	if len(pairs) == 0 {
		return nil
	}
	return maps.Clone(pairs)
}
