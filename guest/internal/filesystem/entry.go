package filesystem

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	filesystemv1 "bulkhead.dev/guest/internal/gen/filesystem"
	"bulkhead.dev/guest/internal/metadata"
	"bulkhead.dev/guest/internal/users"
)

// describe says what is at path. Called as the user who asks.
func describe(path string, names *users.Names) (*filesystemv1.EntryInfo, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	return describeAs(path, info, names), nil
}

// describeAs never fails: what cannot be read of an entry (the target of a link, metadata) is left out.
func describeAs(path string, info fs.FileInfo, names *users.Names) *filesystemv1.EntryInfo {
	entry := &filesystemv1.EntryInfo{
		Name:         printable(filepath.Base(path)),
		Type:         typeOf(info.Mode()),
		Path:         printable(path),
		Size:         info.Size(),
		Mode:         uint32(info.Mode().Perm()),
		Permissions:  info.Mode().String(),
		ModifiedTime: timestamppb.New(info.ModTime()),
	}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		entry.Owner, entry.Group = names.User(sys.Uid), names.Group(sys.Gid)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		describeLink(path, entry)
	}
	if info.Mode().IsRegular() {
		entry.Metadata = metadata.Read(path)
	}
	return entry
}

// describeLink gives a link the type of what it leads to. One that leads nowhere keeps its own, and its target as written.
func describeLink(path string, entry *filesystemv1.EntryInfo) {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		if info, err := os.Stat(resolved); err == nil {
			entry.Type, entry.SymlinkTarget = typeOf(info.Mode()), proto.String(printable(resolved))
			return
		}
	}
	if written, err := os.Readlink(path); err == nil {
		entry.SymlinkTarget = proto.String(printable(written))
	}
}

func typeOf(mode fs.FileMode) filesystemv1.FileType {
	switch mode.Type() {
	case 0:
		return filesystemv1.FileType_FILE_TYPE_FILE
	case fs.ModeDir:
		return filesystemv1.FileType_FILE_TYPE_DIRECTORY
	case fs.ModeSymlink:
		return filesystemv1.FileType_FILE_TYPE_SYMLINK
	}
	return filesystemv1.FileType_FILE_TYPE_UNSPECIFIED
}

// printable: names are bytes in Linux, and UTF-8 on the wire. What is not gets U+FFFD.
func printable(name string) string { return strings.ToValidUTF8(name, "\uFFFD") }
