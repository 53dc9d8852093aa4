// Package filesystem serves filesystem.Filesystem: what is in the guest's folders, and what changes there, with the rights of its users.
package filesystem

import (
	"net/http"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/fault"
	filesystemv1 "bulkhead.dev/guest/internal/gen/filesystem"
	"bulkhead.dev/guest/internal/gen/filesystem/filesystemconnect"
	"bulkhead.dev/guest/internal/identity"
	"bulkhead.dev/guest/internal/users"
)

const (
	// maxMessage bounds one request, in bytes: paths, no content.
	maxMessage = 64 << 10
	// compressFrom is the size of an answer in bytes above which it is compressed, for clients that want it: long listings.
	compressFrom = 8 << 10
)

// Service serves one guest's file system.
type Service struct {
	ids      *identity.Store
	watchers watchers
}

var _ filesystemconnect.FilesystemHandler = (*Service)(nil)

// NewService makes a service; the default user comes from ids at each call.
func NewService(ids *identity.Store) *Service { return &Service{ids: ids} }

// Register puts the service's routes into mux.
func (s *Service) Register(mux *http.ServeMux) {
	mux.Handle(filesystemconnect.NewFilesystemHandler(s,
		connect.WithReadMaxBytes(maxMessage), connect.WithCompressMinBytes(compressFrom)))
}

// target is whose rights a call has and which path it is about.
type target struct {
	user *users.User
	path string
}

func (s *Service) target(header http.Header, path string) (target, error) {
	user, err := users.OfCall(header, s.ids)
	if err != nil {
		return target{}, err
	}
	absolute, err := user.Resolve(path)
	return target{user, absolute}, err
}

// describe makes the EntryInfo of path, with the user's rights.
func (t target) describe(path string) (*filesystemv1.EntryInfo, error) {
	var info *filesystemv1.EntryInfo
	err := t.user.Act(func() (err error) {
		info, err = describe(path, users.ReadNames())
		return err
	})
	return info, err
}

// answer is the last line of a unary method.
func answer[T any](message *T, err error) (*connect.Response[T], error) {
	if err != nil {
		return nil, fault.Connect(err)
	}
	return connect.NewResponse(message), nil
}
