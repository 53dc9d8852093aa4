package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/identity"
	"bulkhead.dev/guest/internal/machine"
	"bulkhead.dev/guest/internal/reap"
	"bulkhead.dev/guest/internal/server"
	"bulkhead.dev/guest/internal/signedtoken"
)

const (
	// podVariable is the uid of the Pod, from the downward API.
	podVariable = "BULKHEAD_POD_UID"
	// keysVariable has the public keys of the servers that may speak to this Pod.
	keysVariable = "BULKHEAD_TOKEN_KEYS"
)

// pod is the first process of a Pod's container. Unlike `serve` nothing is open to anybody before they have shown a signed token.
func pod(arguments []string) error {
	flags := flag.NewFlagSet("pod", flag.ContinueOnError)
	listen := flags.String("listen", "", "address, like :49983")
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	if *listen == "" || flags.NArg() > 0 {
		return errors.New("usage: agent pod --listen ADDR")
	}
	// Anywhere else /etc may be that of a machine, whose id it would replace.
	if os.Getpid() != 1 {
		return errors.New("pod: this is not the first process of a container; use `agent serve` outside of one")
	}
	verifier, err := signedtoken.NewVerifier(os.Getenv(keysVariable), os.Getenv(podVariable))
	if err != nil {
		return err
	}
	folder, err := os.Getwd()
	if err != nil {
		return err
	}
	ids := identity.NewSignedStore(signedRequests{verifier}, identity.Identity{
		Env:     imageEnvironment(os.Environ()),
		User:    strconv.Itoa(os.Getuid()),
		Workdir: folder,
	})
	reap.Collect()
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	done, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	agent := newAgent(ids, machine.Pod, server.Patience{}, func(func(time.Duration)) { stop() })
	ended := make(chan error, 1)
	go func() { ended <- agent.server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-done.Done():
		agent.server.Shutdown(drainFor)
		return <-ended // the other processes end with the container
	}
}

// signedRequests gives the two kinds of requests their audiences.
type signedRequests struct{ verifier *signedtoken.Verifier }

func (s signedRequests) PermitsClient(token string) bool {
	return s.verifier.Permits(signedtoken.Client, token)
}

func (s signedRequests) PermitsHost(key string) bool {
	return s.verifier.Permits(signedtoken.Host, key)
}

// notTheImages are prefixes of variables that a container has besides its image's: ours, and the addresses of the cluster's services, which
// a sandbox has no way to.
var notTheImages = []string{"BULKHEAD_", "KUBERNETES_"}

// foreign are variables by name; HOME and HOSTNAME are set by the container runtime, and the former depends on the user.
var foreign = map[string]bool{"HOME": true, "HOSTNAME": true}

// imageEnvironment is what of the container's environment its processes get.
func imageEnvironment(all []string) map[string]string {
	own := map[string]string{}
	for _, entry := range all {
		name, value, found := strings.Cut(entry, "=")
		if found && name != "" && !foreign[name] && !hasAnyPrefix(name, notTheImages) {
			own[name] = value
		}
	}
	return own
}

func hasAnyPrefix(text string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}
