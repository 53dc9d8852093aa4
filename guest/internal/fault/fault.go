// Package fault turns what the system says into what a client is told: a Connect code, or an HTTP status with {"code","message"}.
// The message names the operation and the path, never more.
package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"
)

// Error is one with a code chosen where it arose.
type Error struct {
	Code    connect.Code
	message string
	cause   error
}

func (e *Error) Error() string { return e.message }
func (e *Error) Unwrap() error { return e.cause }

// New makes an Error; a %w in format keeps the cause.
func New(code connect.Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, message: err.Error(), cause: errors.Unwrap(err)}
}

// codes of system errors, most specific first.
var codes = []struct {
	err  error
	code connect.Code
}{
	{context.DeadlineExceeded, connect.CodeDeadlineExceeded},
	{context.Canceled, connect.CodeCanceled},
	{fs.ErrNotExist, connect.CodeNotFound},
	{fs.ErrExist, connect.CodeAlreadyExists},
	{fs.ErrPermission, connect.CodePermissionDenied},
	{unix.EROFS, connect.CodePermissionDenied},
	{unix.ENOTDIR, connect.CodeInvalidArgument},
	{unix.EISDIR, connect.CodeInvalidArgument},
	{unix.ELOOP, connect.CodeInvalidArgument},
	{unix.ENAMETOOLONG, connect.CodeInvalidArgument},
	{unix.EINVAL, connect.CodeInvalidArgument},
	{unix.ENOTEMPTY, connect.CodeFailedPrecondition},
	{unix.EBUSY, connect.CodeFailedPrecondition},
	{unix.ETXTBSY, connect.CodeFailedPrecondition},
	{unix.ENOSPC, connect.CodeResourceExhausted},
	{unix.EDQUOT, connect.CodeResourceExhausted},
	{unix.EFBIG, connect.CodeResourceExhausted},
	{unix.EMFILE, connect.CodeResourceExhausted},
	{unix.ENFILE, connect.CodeResourceExhausted},
	{unix.ENOMEM, connect.CodeResourceExhausted},
	{unix.EAGAIN, connect.CodeResourceExhausted},
}

// Code of err: its own, or that of the system error in it, else internal.
func Code(err error) connect.Code {
	if own, ok := errors.AsType[*Error](err); ok {
		return own.Code
	}
	if own, ok := errors.AsType[*connect.Error](err); ok {
		return own.Code()
	}
	for _, known := range codes {
		if errors.Is(err, known.err) {
			return known.code
		}
	}
	return connect.CodeInternal
}

// Context is why ctx is over, as a Connect error. Only for a context that is.
func Context(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return connect.NewError(connect.CodeDeadlineExceeded, ctx.Err())
	}
	return connect.NewError(connect.CodeCanceled, ctx.Err())
}

// Connect makes of err what a Connect handler returns; nil stays nil.
func Connect(err error) error {
	if err == nil {
		return nil
	}
	if own, ok := errors.AsType[*connect.Error](err); ok {
		return own
	}
	return connect.NewError(Code(err), err)
}

// Status is the HTTP status of err. A full disk is 507, so that clients can tell it from a limit on requests.
func Status(err error) int {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return http.StatusRequestEntityTooLarge
	}
	for _, full := range []error{unix.ENOSPC, unix.EDQUOT} {
		if errors.Is(err, full) {
			return http.StatusInsufficientStorage
		}
	}
	switch Code(err) {
	case connect.CodeNotFound:
		return http.StatusNotFound
	case connect.CodeInvalidArgument:
		return http.StatusBadRequest
	case connect.CodeAlreadyExists, connect.CodeFailedPrecondition:
		return http.StatusConflict
	case connect.CodePermissionDenied:
		return http.StatusForbidden
	case connect.CodeUnauthenticated:
		return http.StatusUnauthorized
	case connect.CodeResourceExhausted:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Body is what an HTTP client gets.
type Body struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Write answers with err. Only before anything of the body was written.
func Write(w http.ResponseWriter, err error) {
	status := Status(err)
	w.Header().Del("Content-Length")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Body{status, err.Error()}) // the client may have gone
}
