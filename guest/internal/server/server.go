// Package server composes the agent's HTTP interface and serves it, over HTTP/2 without TLS: the channel is private already.
package server

import (
	"cmp"
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"time"

	"bulkhead.dev/guest/internal/identity"
)

// Limits of one connection. A stream's unread bytes wait in the agent's memory, at most streamWindow of them; the connection's window has
// room for all streams at once, so that one that nobody reads never blocks another.
const (
	streamWindow     = 1 << 20
	maxStreams       = 250
	connectionWindow = maxStreams * streamWindow
	maxHeaderBytes   = 64 << 10
	// maxFrameBytes: fewer, larger frames for files.
	maxFrameBytes = 256 << 10
)

// A host that has died does not say so on every stream, and while its session stands its readers hold processes back that print. So a session
// that has been silent for AskAfter is asked for a sign of life, and ended when there is none within AnswerWithin: then nobody reads, and
// output is kept as for any reader that left. The host's HTTP/2 answers by itself, also for one that reads nothing.
const (
	defaultAskAfter     = 5 * time.Second
	defaultAnswerWithin = 5 * time.Second
)

// Patience is how long a session may be silent before it is asked, and take to answer; 0: as long as is usual.
type Patience struct{ AskAfter, AnswerWithin time.Duration }

// Service is a part of the interface that mounts itself.
type Service interface{ Register(mux *http.ServeMux) }

// Handler composes services behind the access rules of [guard].
func Handler(ids *identity.Store, services ...Service) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	for _, service := range services {
		service.Register(mux)
	}
	return guard(ids, mux)
}

// Server serves one handler on any number of listeners.
type Server struct {
	http  http.Server
	conns connections
}

// New makes a server for handler, which may be set later, before the first Serve, through SetHandler: services want to close connections.
func New(patience Patience) *Server {
	s := &Server{}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // for curl, in `serve`; the host speaks HTTP/2
	protocols.SetUnencryptedHTTP2(true)
	s.http = http.Server{
		Protocols:      protocols,
		MaxHeaderBytes: maxHeaderBytes,
		// A connection that says nothing may do so for ever: it is the host's only one.
		ConnState:   s.conns.note,
		ConnContext: withConn,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          maxStreams,
			MaxReceiveBufferPerStream:     streamWindow,
			MaxReceiveBufferPerConnection: connectionWindow,
			MaxReadFrameSize:              maxFrameBytes,
			SendPingTimeout:               cmp.Or(patience.AskAfter, defaultAskAfter),
			PingTimeout:                   cmp.Or(patience.AnswerWithin, defaultAnswerWithin),
		},
		ErrorLog: log.Default(),
	}
	return s
}

// SetHandler sets what is served.
func (s *Server) SetHandler(handler http.Handler) { s.http.Handler = handler }

// Serve accepts until the listener ends or Shutdown; then it returns nil, else the listener's error.
func (s *Server) Serve(on net.Listener) error {
	if err := s.http.Serve(listener{on, &s.conns}); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// CloseOthers closes all connections but the one that the request of ctx came in on.
func (s *Server) CloseOthers(ctx context.Context) { s.conns.closeAllBut(connOf(ctx)) }

// Drain lets the answers under way get out of this process, for at most grace, and takes no new connection. Serve returns; open connections
// stay, for whoever ends the process next.
func (s *Server) Drain(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	s.conns.await(ctx, func(c *conn) bool { return c.active })
	// A connection is called idle when the last frame of its last answer is in its buffer, which need not be written out by then. Shutdown
	// says GOAWAY on each, which goes the same way after it.
	s.conns.markUnflushed()
	go func() { _ = s.http.Shutdown(ctx) }() // an error says that connections are still open
	s.conns.await(ctx, func(c *conn) bool { return c.unflushed })
}

// Shutdown ends Serve, lets the answers under way get out, for at most grace, and closes what is left.
func (s *Server) Shutdown(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close() // streams of those that would have read on for ever; nothing to be done about an error here
	}
}
