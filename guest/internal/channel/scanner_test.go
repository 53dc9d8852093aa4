package channel

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

const testKey = "0123456789abcdef0123456789abcdef"

func openingLine(key, nonce string) string { return opening + key + " " + nonce + "\n" }

func fixedKey() string { return testKey }

// split scans stream in pieces that end where cuts says, and after each piece gives up what is held when giveUp says so.
func split(s *scanner, stream []byte, cuts []int, giveUp func(piece int) bool) (session []byte, nonces []string) {
	at := 0
	for piece := 0; piece <= len(cuts); piece++ {
		to := len(stream)
		if piece < len(cuts) {
			to = cuts[piece]
		}
		// A copy that is overwritten afterwards, as the listener's buffer is.
		rest := bytes.Clone(stream[at:to])
		for buffer := rest; len(rest) > 0; {
			found := s.scan(rest)
			session = append(append(session, found.before...), found.session...)
			if found.nonce != "" {
				nonces = append(nonces, found.nonce)
			}
			if rest = found.rest; len(rest) == 0 {
				clear(buffer)
			}
		}
		if giveUp != nil && giveUp(piece) {
			session = append(session, s.release()...)
		}
		at = to
	}
	return append(session, s.release()...), nonces
}

func TestScannerFindsTheLineWhereverItIsCut(t *testing.T) {
	stream := []byte("before" + openingLine(testKey, "n1") + "after")
	for cut := range stream {
		session, nonces := split(&scanner{key: fixedKey}, stream, []int{cut}, nil)
		// A lone newline at the end of a piece passes at once: the one byte that a line may cost.
		wanted := "beforeafter"
		if cut == len("before\n") {
			wanted = "before\nafter"
		}
		if string(session) != wanted || len(nonces) != 1 || nonces[0] != "n1" {
			t.Errorf("cut at %d: session %q, nonces %q", cut, session, nonces)
		}
	}
}

func TestScannerLetsThroughWhatIsNoHandshake(t *testing.T) {
	for name, stream := range map[string]string{
		"another key":          openingLine("fffffffffffffffffffffffffffffff0", "n1"),
		"a prefix of the key":  openingLine(testKey[:31], "n1"),
		"more than the key":    openingLine(testKey+"0", "n1"),
		"no nonce":             openingLine(testKey, ""),
		"no newline before":    openingLine(testKey, "n1")[1:],
		"another version":      "\nBULKHEAD/2 " + testKey + " n1\n",
		"a carriage return":    opening + testKey + " n1\r\n",
		"two spaces":           opening + testKey + "  n1\n",
		"too long a nonce":     openingLine(testKey, string(bytes.Repeat([]byte("n"), maxWord+1))),
		"a line that never is": opening + testKey + " n1",
		"newlines":             "\n\n\n\nBULK\n\nBULKHEAD/1\n",
	} {
		for cut := range len(stream) {
			session, nonces := split(&scanner{key: fixedKey}, []byte(stream), []int{cut}, nil)
			if string(session) != stream || len(nonces) != 0 {
				t.Errorf("%s, cut at %d: session %q, nonces %q", name, cut, session, nonces)
			}
		}
	}
}

func TestScannerNeverAcceptsAnEmptyKey(t *testing.T) {
	stream := []byte("\nBULKHEAD/1  n1\n")
	session, nonces := split(&scanner{key: func() string { return "" }}, stream, nil, nil)
	if string(session) != string(stream) || len(nonces) != 0 {
		t.Errorf("session %q, nonces %q", session, nonces)
	}
}

func TestScannerAsksForTheKeyOfTheMoment(t *testing.T) {
	key := testKey
	s := &scanner{key: func() string { return key }}
	s.scan([]byte(openingLine(testKey, "n1")[:20]))
	key = "ffffffffffffffffffffffffffffffff"
	found := s.scan([]byte(openingLine(testKey, "n1")[20:]))
	if found.nonce != "" {
		t.Error("a key that had been replaced was accepted")
	}
	if found = s.scan([]byte(openingLine(key, "n2"))); found.nonce != "n2" {
		t.Errorf("the new key was not accepted: %+v", found)
	}
}

func TestScannerGivesALoneNewlineAtOnce(t *testing.T) {
	s := &scanner{key: fixedKey}
	if found := s.scan([]byte("ls\n")); string(found.session) != "ls\n" || s.holding() {
		t.Errorf("session %q, holding %v", found.session, s.holding())
	}
}

// FuzzScanner: whatever the stream and however it is cut, bytes outside of complete opening lines reach the session, all of them and in
// order; a line inside is found if its key is the right one and never otherwise.
func FuzzScanner(f *testing.F) {
	f.Add([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), uint64(1))
	f.Add([]byte(openingLine(testKey, "n1")), uint64(2))
	f.Add([]byte("x\n"+openingLine(testKey, "n1")+"\nGO n1\n"+openingLine(testKey[:31]+"x", "n2")), uint64(3))
	f.Add([]byte("\nBULKHEAD/1 \nBULKHEAD/1 "+testKey+" \nBULKHEAD/1 "+testKey+" a\n\n"), uint64(4))
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		random := rand.New(rand.NewPCG(seed, seed))
		var cuts []int
		for at := random.IntN(40); at < len(stream); at += random.IntN(40) {
			cuts = append(cuts, at)
		}
		wanted, wantedNonces := reference(stream, testKey)

		// Whole: exactly the reference.
		session, nonces := split(&scanner{key: fixedKey}, stream, nil, nil)
		if !bytes.Equal(session, wanted) || !slices.Equal(nonces, wantedNonces) {
			t.Fatalf("whole: session %q, wanted %q; nonces %q, wanted %q", session, wanted, nonces, wantedNonces)
		}
		// In pieces, and with the patience at an end now and then: the same lines; bytes of them may pass, none is lost.
		session, nonces = split(&scanner{key: fixedKey}, stream, cuts, func(int) bool { return random.IntN(3) == 0 })
		if !slices.Equal(nonces, wantedNonces) {
			t.Fatalf("cut at %d: nonces %q, wanted %q", cuts, nonces, wantedNonces)
		}
		if !isSubsequence(wanted, session) || !isSubsequence(session, stream) {
			t.Fatalf("cut at %d: session %q, wanted %q and at most bytes of a line besides", cuts, session, wanted)
		}
		// With another key: everything passes.
		session, nonces = split(&scanner{key: func() string { return "another" }}, stream, cuts, nil)
		if !bytes.Contains(stream, []byte(opening+"another ")) && (len(nonces) > 0 || !bytes.Equal(session, stream)) {
			t.Fatalf("another key: session %q of %q, nonces %q", session, stream, nonces)
		}
	})
}

// reference does with the whole stream in hand what the scanner does with pieces.
func reference(stream []byte, key string) (session []byte, nonces []string) {
	prefix := []byte(opening + key + " ")
	for len(stream) > 0 {
		at := bytes.Index(stream, prefix)
		if at < 0 {
			break
		}
		after := stream[at+len(prefix):]
		length := 0
		for length < len(after) && isWordByte(after[length]) {
			length++
		}
		if length == 0 || length > maxWord || length == len(after) || after[length] != '\n' {
			session = append(session, stream[:at+1]...)
			stream = stream[at+1:]
			continue
		}
		session = append(session, stream[:at]...)
		nonces = append(nonces, string(after[:length]))
		stream = after[length+1:]
	}
	return append(session, stream...), nonces
}

func isSubsequence(part, whole []byte) bool {
	for _, b := range whole {
		if len(part) > 0 && part[0] == b {
			part = part[1:]
		}
	}
	return len(part) == 0
}
