// Package body reads what a request carries, as its headers say it is encoded.
package body

import (
	"compress/gzip"
	"io"
	"net/http"

	"connectrpc.com/connect"

	"bulkhead.dev/guest/internal/fault"
)

// Decoded is the request's body without its Content-Encoding. Errors: invalid_argument for one that is not gzip or is damaged (also
// later, from Read), and for other encodings.
func Decoded(r *http.Request) (io.Reader, error) {
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
		return r.Body, nil
	case "gzip":
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, notGzip(err)
		}
		return gzipReader{unzipped}, nil
	default:
		return nil, fault.New(connect.CodeInvalidArgument, "the Content-Encoding %q is not known: gzip or none", encoding)
	}
}

type gzipReader struct{ from *gzip.Reader }

func (r gzipReader) Read(into []byte) (int, error) {
	n, err := r.from.Read(into)
	if err != nil && err != io.EOF {
		err = notGzip(err)
	}
	return n, err
}

func notGzip(err error) error {
	return fault.New(connect.CodeInvalidArgument, "the body is not whole gzip data: %w", err)
}
