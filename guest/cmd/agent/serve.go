package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/identity"
	"bulkhead.dev/guest/internal/machine"
	"bulkhead.dev/guest/internal/server"
)

// serve runs the agent as an ordinary process on a socket, without the handshake: there a connection is a connection. The key of the host's
// own service comes from the environment, as in gVisor; without one that service is closed.
func serve(arguments []string) error {
	if len(arguments) == 0 || arguments[0] != "serve" {
		return errors.New("usage: agent serve --listen tcp:ADDR|unix:PATH")
	}
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	listen := flags.String("listen", "", "tcp:ADDR or unix:PATH")
	var patience server.Patience
	flags.DurationVar(&patience.AskAfter, "ask-after", 0, "silence after which a session is asked for a sign of life; 0: as in a guest")
	flags.DurationVar(&patience.AnswerWithin, "answer-within", 0, "how long the answer may take; 0: as in a guest")
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	network, address, found := strings.Cut(*listen, ":")
	if !found || network != "tcp" && network != "unix" || flags.NArg() > 0 {
		return fmt.Errorf("--listen %q is neither tcp:ADDR nor unix:PATH", *listen)
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	ids := identity.NewStore(identity.Identity{ChannelKey: os.Getenv(keyVariable)})
	if err := os.Unsetenv(keyVariable); err != nil {
		return err
	}
	done, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	agent := newAgent(ids, machine.Host, patience, func(func(time.Duration)) { stop() })
	ended := make(chan error, 1)
	go func() { ended <- agent.server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-done.Done():
		agent.server.Shutdown(drainFor)
		return <-ended
	}
}
