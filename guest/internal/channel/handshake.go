package channel

import (
	"errors"
	"io"
	"os"
	"time"
)

const (
	// answerWithin bounds the writing of one line: a host that does not take it in this time has gone, or is none.
	answerWithin = 2 * time.Second
	// maxStray is how many bytes may come between the opening line and GO. None should: what they belong to is dead.
	maxStray = 1 << 20
)

// shakeHands waits for an opening line and takes the handshake through to its end. False without an error: the host went on to something
// else meanwhile, try again. Called under readLock.
func (l *Listener) shakeHands() (opened bool, err error) {
	nonce, err := l.awaitOpening()
	if err != nil {
		return false, err
	}
	if err := l.answer("OK", nonce); err != nil {
		return false, err
	}
	if gone, err := l.awaitGo(nonce); gone || err != nil {
		return false, err
	}
	if err := l.answer("GO", nonce); err != nil {
		return false, err
	}
	return true, nil
}

// awaitOpening throws away what comes before an opening line.
func (l *Listener) awaitOpening() (nonce string, err error) {
	for {
		l.before, l.session = nil, nil
		if l.nonce != "" {
			nonce, l.nonce = l.nonce, ""
			return nonce, nil
		}
		if err := l.fill(); err != nil {
			return "", err
		}
	}
}

// awaitGo reads up to the end of the host's GO line; what follows is the session's. replaced: another opening line came, and waits to be
// taken, or too much of something else.
func (l *Listener) awaitGo(nonce string) (replaced bool, err error) {
	line := "\nGO " + nonce + "\n"
	matched, stray := 0, 0
	var b [1]byte
	for matched < len(line) {
		if l.take(b[:]) == 0 {
			switch l.nonce {
			case "", nonce: // the host had repeated itself before it saw our answer
				l.nonce = ""
			default:
				return true, nil
			}
			if err := l.fill(); err != nil {
				return false, err
			}
			continue
		}
		// A newline stands at the start and at the end only, so a mismatch leaves nothing but a possible new start.
		switch {
		case b[0] == line[matched]:
			matched++
		case b[0] == '\n':
			matched = 1
		default:
			matched = 0
		}
		if stray++; stray > maxStray {
			return true, nil
		}
	}
	return false, nil
}

// answer writes one line, after the last write of the session before has come to its end.
func (l *Listener) answer(word, nonce string) error {
	l.writeLock.Lock()
	defer l.writeLock.Unlock()
	if err := l.stream.SetWriteDeadline(time.Now().Add(answerWithin)); err != nil {
		return err
	}
	if _, err := io.WriteString(l.stream, "\n"+word+" "+nonce+"\n"); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		return io.EOF // EPIPE and the like: the host left, Read will say for how long
	}
	return l.stream.SetWriteDeadline(time.Time{})
}
