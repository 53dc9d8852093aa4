package channel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSessionCarriesBytesBothWays(t *testing.T) {
	stream, outside := streamPair(t)
	listener := NewListener(stream, fixedKey)
	go func() {
		guest, err := listener.Accept()
		if err == nil {
			_, _ = io.Copy(guest, guest)
		}
	}()
	session, err := newHost(outside).open(testKey, "n1")
	if err != nil {
		t.Fatal(err)
	}
	// What a session might take for a handshake is its own as long as the key is not right, also at the end of what was sent so far.
	for _, text := range []string{"hello", "a line\n", "\nBULKHEAD/1 ", "x\nBULKHEAD/1 0123", "\nGO n1\n", openingLine("wrong", "n2")} {
		if _, err := io.WriteString(session, text); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(text))
		if _, err := io.ReadFull(session, got); err != nil || string(got) != text {
			t.Fatalf("sent %q, got %q, %v", text, got, err)
		}
	}
}

func TestHandshakeNeedsTheKey(t *testing.T) {
	stream, outside := streamPair(t)
	listener := NewListener(stream, fixedKey)
	accepted := make(chan net.Conn, 2)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	if _, err := io.WriteString(outside, "noise"+openingLine("ffffffffffffffffffffffffffffffff", "bad")+"\nGO bad\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := newHost(outside).open(testKey, "good"); err != nil {
		t.Fatal(err)
	}
	<-accepted
	if len(accepted) != 0 {
		t.Error("the wrong key opened a session")
	}
}

// A host that came back ends a session whose writer is stuck because nobody reads.
func TestNewSessionFreesAStuckWriter(t *testing.T) {
	stream, outside := streamPair(t)
	listener := NewListener(stream, fixedKey)
	if _, err := io.WriteString(outside, openingLine(testKey, "n1")+"\nGO n1\n"); err != nil {
		t.Fatal(err)
	}
	first, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() {
		for {
			if _, err := first.Write(bytes.Repeat([]byte("x"), 64<<10)); err != nil {
				written <- err
				return
			}
		}
	}()
	// As http2 does: a reader of the first session is at work when the next one comes.
	read := make(chan error)
	go func() {
		_, err := first.Read(make([]byte, 10))
		read <- err
	}()
	second := make(chan net.Conn)
	go func() {
		conn, _ := listener.Accept()
		second <- conn
	}()
	if _, err := newHost(outside).open(testKey, "n2"); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != io.EOF {
		t.Errorf("the old reader got %v", err)
	}
	if err := <-written; !errors.Is(err, errReplaced) {
		t.Errorf("the old writer got %v", err)
	}
	if conn := <-second; conn == nil {
		t.Error("no second session")
	}
	if _, err := first.Write([]byte("late")); !errors.Is(err, errReplaced) {
		t.Errorf("a late write of the old session got %v", err)
	}
}

// A session that the guest closes leaves a reader in the stream. It must not swallow the next handshake.
func TestLeftOverReaderLosesNothing(t *testing.T) {
	stream, outside := streamPair(t)
	listener := NewListener(stream, fixedKey)
	h := newHost(outside)
	for i := range 20 {
		accepted := make(chan net.Conn, 1)
		go func() {
			conn, err := listener.Accept()
			if err == nil {
				accepted <- conn
			}
			close(accepted)
		}()
		if _, err := h.open(testKey, fmt.Sprintf("n%d", i)); err != nil {
			t.Fatal(err)
		}
		guest := <-accepted
		go func() { _, _ = guest.Read(make([]byte, 1)) }()
		guest.Close()
	}
}

func TestCloseEndsAcceptAndLeavesTheSession(t *testing.T) {
	stream, outside := streamPair(t)
	listener := NewListener(stream, fixedKey)
	if _, err := io.WriteString(outside, openingLine(testKey, "n1")+"\nGO n1\n"); err != nil {
		t.Fatal(err)
	}
	session, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
	if _, err := io.WriteString(outside, "still here"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("still here"))
	if _, err := io.ReadFull(session, got); err != nil || string(got) != "still here" {
		t.Errorf("the session read %q, %v", got, err)
	}

	stream, _ = streamPair(t)
	waiting := NewListener(stream, fixedKey)
	ended := make(chan error)
	go func() {
		_, err := waiting.Accept()
		ended <- err
	}()
	waiting.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept during Close: %v", err)
	}
}

func TestAcceptFailsWhenNoHostCanComeBack(t *testing.T) {
	stream, outside := streamPair(t)
	outside.Close()
	if _, err := NewListener(stream, fixedKey).Accept(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

// portStream behaves as a virtio-serial port: no host, no bytes.
type portStream struct {
	Stream
	mu      sync.Mutex
	present bool
	changed chan struct{}
	waits   int
}

func (p *portStream) Read(b []byte) (int, error) {
	p.mu.Lock()
	present := p.present
	p.mu.Unlock()
	if !present {
		return 0, io.EOF
	}
	return p.Stream.Read(b)
}

func (p *portStream) AwaitHost() error {
	p.mu.Lock()
	p.waits++
	p.mu.Unlock()
	<-p.changed
	return nil
}

func TestAcceptWaitsForAHost(t *testing.T) {
	stream, outside := streamPair(t)
	port := &portStream{Stream: stream, changed: make(chan struct{})}
	listener := NewListener(port, fixedKey)
	accepted := make(chan error)
	go func() {
		_, err := listener.Accept()
		accepted <- err
	}()
	port.changed <- struct{}{} // something changed, but no host came
	port.mu.Lock()
	port.present = true
	port.mu.Unlock()
	port.changed <- struct{}{}
	if _, err := newHost(outside).open(testKey, "n1"); err != nil {
		t.Fatal(err)
	}
	if err := <-accepted; err != nil {
		t.Fatal(err)
	}
	if port.waits != 2 {
		t.Errorf("it looked for a host %d times for 2 changes", port.waits)
	}
}

// TestHundredReconnects: a host vanishes in mid-frame with calls and streams under way, a hundred times; each next session works at once and
// whole. The handlers of the session before end.
func TestHundredReconnects(t *testing.T) {
	stream, outside := streamPair(t)
	var running sync.WaitGroup
	mux := http.NewServeMux()
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	mux.HandleFunc("GET /flood", func(w http.ResponseWriter, r *http.Request) {
		running.Add(1)
		defer running.Done()
		line := strings.Repeat("flood\nBULKHEAD/1 \n", 1000)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, line); err != nil {
				return
			}
		}
	})
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: mux, Protocols: protocols}
	go func() { _ = server.Serve(NewListener(stream, fixedKey)) }()

	h := newHost(outside)
	payload := bytes.Repeat([]byte("\nBULKHEAD/1 payload\n"), 10_000)
	for i := range 100 {
		session, err := h.open(testKey, fmt.Sprintf("n%d", i))
		if err != nil {
			t.Fatalf("session %d: %v", i, err)
		}
		client := clientOver(session)
		flood, err := client.Get("http://guest/flood")
		if err != nil {
			t.Fatalf("session %d: %v", i, err)
		}
		if _, err := io.CopyN(io.Discard, flood.Body, 1<<20); err != nil {
			t.Fatalf("session %d: %v", i, err)
		}
		answer, err := client.Post("http://guest/echo", "application/octet-stream", bytes.NewReader(payload))
		if err != nil {
			t.Fatalf("session %d: %v", i, err)
		}
		got, err := io.ReadAll(answer.Body)
		if err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("session %d: %d bytes of %d came back, %v", i, len(got), len(payload), err)
		}
		// The first half of a DATA frame's header, or of a body.
		session.vanishIn([]byte{0, 0x40, 0}[:i%4%3+1])
		flood.Body.Close()
		client.CloseIdleConnections()
	}
	if _, err := h.open(testKey, "last"); err != nil {
		t.Fatal(err)
	}
	running.Wait() // not one handler is left
}

func clientOver(conn net.Conn) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{
		Protocols:   protocols,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil },
	}}
}

func (s *hostSession) SetDeadline(time.Time) error      { return nil }
func (s *hostSession) SetReadDeadline(time.Time) error  { return nil }
func (s *hostSession) SetWriteDeadline(time.Time) error { return nil }
func (s *hostSession) LocalAddr() net.Addr              { return addr{} }
func (s *hostSession) RemoteAddr() net.Addr             { return addr{} }

// FuzzListener: whatever a host sends, also one that knows the key, the listener neither panics nor opens a session without GO, and the
// next proper handshake works.
func FuzzListener(f *testing.F) {
	f.Add([]byte(openingLine(testKey, "a") + "\nGO a\n" + "PRI * HTTP/2.0"))
	f.Add([]byte(openingLine(testKey, "a") + "\nGO b\n" + openingLine(testKey, "b") + "\nGO b"))
	f.Add([]byte("\nGO a\n" + openingLine(testKey, "")))
	f.Fuzz(func(t *testing.T, garbage []byte) {
		stream, outside := streamPair(t)
		listener := NewListener(stream, fixedKey)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, conn)
			}
		}()
		if err := outside.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := outside.Write(garbage); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal(err)
		}
		if _, err := newHost(outside).open(testKey, "proper"); err != nil {
			t.Fatal(err)
		}
		outside.Close()
		<-done
	})
}
