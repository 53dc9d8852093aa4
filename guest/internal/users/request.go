package users

import (
	"net/http"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/fault"
	"bulkhead.dev/guest/internal/identity"
)

// OfCall is the user that a Connect call acts as: the user name of `Authorization: Basic` (the password counts for nothing: what
// authorises a request is its token), else the default. Errors: unauthenticated for an unknown name or a malformed header.
func OfCall(header http.Header, ids *identity.Store) (*User, error) {
	if header.Get("Authorization") == "" {
		return ofName("", ids)
	}
	name, _, ok := (&http.Request{Header: header}).BasicAuth()
	if !ok {
		return nil, fault.New(connect.CodeUnauthenticated, "Authorization names the user as Basic base64(\"name:\")")
	}
	return ofName(name, ids)
}

// OfRequest is the user that a plain HTTP request acts as: `?username=`, else as OfCall.
func OfRequest(r *http.Request, ids *identity.Store) (*User, error) {
	if r.URL.Query().Get("username") != "" {
		return OfURL(r, ids)
	}
	return OfCall(r.Header, ids)
}

// OfURL is the user that the URL alone names, `?username=`, else the default: for a request whose URL is signed, and its headers are not.
func OfURL(r *http.Request, ids *identity.Store) (*User, error) {
	return ofName(r.URL.Query().Get("username"), ids)
}

func ofName(name string, ids *identity.Store) (*User, error) {
	if name == "" {
		return Default(ids.Current().User)
	}
	user, err := Lookup(name)
	if err != nil {
		return nil, fault.New(connect.CodeUnauthenticated, "%w", err)
	}
	return user, nil
}
