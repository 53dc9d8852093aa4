package server

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bulkhead.dev/guest/internal/identity"
)

type service func(mux *http.ServeMux)

func (s service) Register(mux *http.ServeMux) { s(mux) }

// serve runs a server with the given services on loopback.
func serve(t *testing.T, ids *identity.Store, services ...Service) (*Server, string) {
	t.Helper()
	s := New(Patience{})
	s.SetHandler(Handler(ids, services...))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(listener) }()
	t.Cleanup(func() {
		s.Shutdown(0)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s, "http://" + listener.Addr().String()
}

func newClient() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{
		Transport:     &http.Transport{Protocols: protocols},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func TestAccess(t *testing.T) {
	everything := service(func(mux *http.ServeMux) {
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) })
	})
	const host = "/bulkhead.guest.v1.Guest/Sync"
	for _, c := range []struct {
		name         string
		token, key   string // the identity's
		method, path string
		header       map[string]string
		status       int
	}{
		{"health is open", "t", "k", "GET", "/health", nil, 204},
		{"health takes no POST", "t", "k", "POST", "/health", nil, 401},
		{"no token", "t", "k", "GET", "/metrics", nil, 401},
		{"wrong token", "t", "k", "GET", "/metrics", map[string]string{"X-Access-Token": "tt"}, 401},
		{"right token", "t", "k", "GET", "/metrics", map[string]string{"X-Access-Token": "t"}, 418},
		{"none is needed before one is set", "", "k", "GET", "/metrics", nil, 418},
		{"files check for themselves", "t", "k", "GET", "/files", nil, 418},
		{"but not what only starts like it", "t", "k", "GET", "/files/compose", nil, 401},
		{"the host's service needs the key", "t", "k", "POST", host, nil, 401},
		{"the token is no key", "t", "k", "POST", host, map[string]string{"X-Access-Token": "t"}, 401},
		{"nor is an empty one", "t", "", "POST", host, map[string]string{"X-Bulkhead-Key": ""}, 401},
		{"the key", "t", "k", "POST", host, map[string]string{"X-Bulkhead-Key": "k"}, 418},
		{"a detour does not reach it", "t", "k", "POST", "/x/.." + host, map[string]string{"X-Access-Token": "t"}, 307},
		{"nor does a doubled slash", "t", "k", "POST", "/" + host, map[string]string{"X-Access-Token": "t"}, 307},
	} {
		_, url := serve(t, identity.NewStore(identity.Identity{AccessToken: c.token, ChannelKey: c.key}), everything)
		request, err := http.NewRequest(c.method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.URL.Path = c.path
		for name, value := range c.header {
			request.Header.Set(name, value)
		}
		answer, err := newClient().Do(request)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		answer.Body.Close()
		if answer.StatusCode != c.status {
			t.Errorf("%s: %d, wanted %d", c.name, answer.StatusCode, c.status)
		}
	}
}

// A stream that nobody reads fills its own window and nothing else.
func TestUnreadStreamsDoNotBlockOthers(t *testing.T) {
	release := make(chan struct{})
	streams := service(func(mux *http.ServeMux) {
		mux.HandleFunc("POST /unread", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			_ = http.NewResponseController(w).Flush()
			<-release
		})
		mux.HandleFunc("POST /read", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	})
	_, url := serve(t, identity.NewStore(identity.Identity{}), streams)
	client := newClient()
	var stuck sync.WaitGroup
	for range 20 {
		answer, err := client.Post(url+"/unread", "", io.LimitReader(zeros{}, 4*streamWindow))
		if err != nil {
			t.Fatal(err)
		}
		stuck.Go(func() {
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		})
	}
	text := strings.Repeat("x", 2*streamWindow)
	answer, err := client.Post(url+"/read", "", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(answer.Body); string(got) != text || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	close(release)
	stuck.Wait()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestCloseOthersKeepsTheCallers(t *testing.T) {
	var s *Server
	entered := make(chan struct{})
	calls := service(func(mux *http.ServeMux) {
		mux.HandleFunc("/wait", func(_ http.ResponseWriter, r *http.Request) {
			close(entered)
			<-r.Context().Done()
		})
		mux.HandleFunc("/close", func(_ http.ResponseWriter, r *http.Request) { s.CloseOthers(r.Context()) })
	})
	s, url := serve(t, identity.NewStore(identity.Identity{}), calls)
	waiting := make(chan error)
	go func() {
		_, err := newClient().Get(url + "/wait")
		waiting <- err
	}()
	<-entered
	answer, err := newClient().Get(url + "/close")
	if err != nil || answer.StatusCode != 200 {
		t.Errorf("the caller got %v, %v", answer, err)
	}
	if err := <-waiting; err == nil {
		t.Error("the other connection is still open")
	}
}

func TestDrainWaitsForAnswers(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	slow := service(func(mux *http.ServeMux) {
		mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
			close(entered)
			<-release
			_, _ = io.WriteString(w, strings.Repeat("x", streamWindow))
		})
	})
	s, url := serve(t, identity.NewStore(identity.Identity{}), slow)
	got := make(chan int)
	go func() {
		answer, err := newClient().Get(url + "/slow")
		if err != nil {
			t.Error(err)
			got <- 0
			return
		}
		body, _ := io.ReadAll(answer.Body)
		got <- len(body)
	}()
	<-entered
	drained := make(chan struct{})
	go func() {
		s.Drain(time.Hour)
		close(drained)
	}()
	select {
	case <-drained:
		t.Error("drained with an answer under way")
	default:
	}
	close(release)
	<-drained
	if n := <-got; n != streamWindow {
		t.Errorf("%d bytes of the answer", n)
	}
}

// The last frame of an answer is written after HTTP/2 has called the connection idle: who ends the process by then would lose the answer.
func TestDrainWaitsForTheLastFrame(t *testing.T) {
	s := New(Patience{})
	end := service(func(mux *http.ServeMux) { mux.HandleFunc("/end", func(http.ResponseWriter, *http.Request) {}) })
	s.SetHandler(Handler(identity.NewStore(identity.Identity{}), end))
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gate := &gatedListener{Listener: tcp, arrived: make(chan struct{}), open: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(gate) }()
	defer func() {
		s.Shutdown(0)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	client, url := newClient(), "http://"+tcp.Addr().String()
	if _, err := client.Get(url + "/health"); err != nil {
		t.Fatal(err)
	}
	gate.shut.Store(true)
	got := make(chan error)
	go func() {
		_, err := client.Get(url + "/end")
		got <- err
	}()
	<-gate.arrived // by now the connection counts as idle
	time.AfterFunc(50*time.Millisecond, func() { close(gate.open) })
	s.Drain(time.Hour)
	if !gate.written.Load() {
		t.Error("drained with the answer's last frame still here")
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// gatedListener's connections hold writes back once it is shut.
type gatedListener struct {
	net.Listener
	shut, written atomic.Bool
	once          sync.Once
	arrived, open chan struct{}
}

func (l *gatedListener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	return gatedConn{accepted, l}, err
}

type gatedConn struct {
	net.Conn
	gate *gatedListener
}

func (c gatedConn) Write(p []byte) (int, error) {
	if c.gate.shut.Load() {
		c.gate.once.Do(func() { close(c.gate.arrived) })
		<-c.gate.open
		defer c.gate.written.Store(true)
	}
	return c.Conn.Write(p)
}
