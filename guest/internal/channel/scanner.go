package channel

import (
	"bytes"
	"crypto/subtle"
)

// scanner finds the line that opens a session in bytes that otherwise belong to the session before.
//
// Bytes that may be the start of such a line are held back, so that the line does not leak into a message that the host left
// unfinished when it vanished. One exception: a lone newline passes at once. Every line of terminal input ends in one, and held back it
// would wait for the next one. So the old session is given at most that byte of a line, and more only of one that comes in pieces with
// pauses between them (holdFor).
type scanner struct {
	// key is asked for at the end of each line that has the right form: it changes while the guest runs.
	key func() string
	// line is what has matched so far, newline first; empty while nothing has. Bounded by the form: len(opening) + 2·maxWord + 2.
	line []byte
	// passed is how many bytes of line have been given to the session already.
	passed int
	// word is where in line the key, or after it the nonce, starts.
	word int
	// nonceStarted: the key is complete and the nonce being read.
	nonceStarted bool
}

// found is what a scan made of its bytes: before and then session belong to the current session. Once an opening line is complete, nonce
// is its nonce and rest what came after it; else both are empty. session and rest share the scanned bytes' memory.
type found struct {
	// before are bytes held back from earlier scans that turned out to be the session's.
	before  []byte
	session []byte
	nonce   string
	rest    []byte
}

// scan takes the next bytes of the stream.
func (s *scanner) scan(p []byte) found {
	var result found
	earlier := len(s.line) // how much of the line came before p
	start := 0             // where in p the rest of the line starts
	for i := 0; i < len(p); {
		if len(s.line) == 0 {
			newline := bytes.IndexByte(p[i:], '\n')
			if newline < 0 {
				break
			}
			start = i + newline
			s.begin()
			i = start + 1
			continue
		}
		if s.accept(p[i]) {
			i++
			if nonce, ok := s.complete(); ok {
				result.session, result.nonce, result.rest = p[:start], nonce, p[i:]
				return result
			}
			continue
		}
		// Not that line after all. p[i] is looked at again: it may begin another.
		if earlier > 0 {
			result.before = bytes.Clone(s.line[s.passed:earlier])
			earlier = 0
		}
		s.reset()
	}
	switch {
	case len(s.line) == 0:
		result.session = p
	case len(s.line) == 1 && s.passed == 0:
		s.passed = 1
		result.session = p
	default:
		result.session = p[:start]
	}
	return result
}

// release gives up waiting for the rest of a line: the bytes held back belong to the session. The search goes on where it was, so a line
// that comes in pieces is still found.
func (s *scanner) release() []byte {
	held := bytes.Clone(s.line[s.passed:])
	s.passed = len(s.line)
	return held
}

// holding says whether bytes are held back.
func (s *scanner) holding() bool { return s.passed < len(s.line) }

func (s *scanner) begin() {
	s.line = append(s.line[:0], '\n')
	s.passed, s.word, s.nonceStarted = 0, 0, false
}

func (s *scanner) reset() {
	s.line = s.line[:0]
	s.passed, s.word, s.nonceStarted = 0, 0, false
}

// accept adds b to the line if the form allows it there.
func (s *scanner) accept(b byte) bool {
	at := len(s.line)
	switch {
	case at < len(opening):
		if b != opening[at] {
			return false
		}
		s.line = append(s.line, b)
		if len(s.line) == len(opening) {
			s.word = len(opening)
		}
		return true
	case isWordByte(b):
		if at-s.word == maxWord {
			return false
		}
	case b == ' ':
		if s.nonceStarted || at == s.word {
			return false
		}
		s.line = append(s.line, b)
		s.word, s.nonceStarted = len(s.line), true
		return true
	case b == '\n':
		if !s.nonceStarted || at == s.word || !s.keyMatches() {
			return false
		}
	default:
		return false
	}
	s.line = append(s.line, b)
	return true
}

// complete says whether the line has ended, with its nonce, and makes ready for the next.
func (s *scanner) complete() (string, bool) {
	if !s.nonceStarted || s.line[len(s.line)-1] != '\n' {
		return "", false
	}
	nonce := string(s.line[s.word : len(s.line)-1])
	s.reset()
	return nonce, true
}

func (s *scanner) keyMatches() bool {
	key := s.key()
	given := s.line[len(opening) : s.word-1]
	return key != "" && subtle.ConstantTimeCompare(given, []byte(key)) == 1
}

func isWordByte(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '-' || b == '_'
}
