// Package channel makes connections out of the one byte stream that leads into the guest.
//
// A byte stream carries no connections of its own: the host may vanish in mid-frame, a clone wakes up inside a dead session, and the
// guest need not see an end of stream when the host comes back quickly. So each session starts with lines that cannot occur by
// accident, because they carry a key of 128 random bits:
//
//	host  → \nBULKHEAD/1 <channel key> <nonce>\n      repeated until answered
//	guest → \nOK <nonce>\n
//	host  → \nGO <nonce>\n
//	guest → \nGO <nonce>\n                            then the session's bytes, both ways
//
// [Listener] looks for the first line in all that arrives, for ever. When it comes, the session that was is over at once: its reader gets
// the end of the stream, its writers are fenced, and not a byte of the new session reaches it or is lost.
package channel

import (
	"errors"
	"io"
	"time"
)

// Stream is the guest's end of the byte stream.
type Stream interface {
	// Read fails with io.EOF while no host is there.
	io.Reader
	io.Writer
	// SetReadDeadline and SetWriteDeadline also free a call that is stuck already; it fails with os.ErrDeadlineExceeded.
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	// AwaitHost is called after an io.EOF. It blocks until reading may be worth while again, at most until the read deadline, and fails
	// when no host can ever come back.
	AwaitHost() error
}

const (
	// opening comes before the key.
	opening = "\nBULKHEAD/1 "
	// maxWord bounds the key and the nonce: what is longer is no handshake.
	maxWord = 64
)

// Why a session ended.
var (
	errReplaced = errors.New("channel: the host has started another session")
	errHostLeft = errors.New("channel: the host has left")
	errClosed   = errors.New("channel: the session was closed")
)
