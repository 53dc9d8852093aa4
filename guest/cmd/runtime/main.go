// Command runtime serves the sandbox API's runtime interface on port 8888 of a sandbox's container: commands and files, for the published SDKs.
//
//	runtime [--listen ADDR]
//
// SANDBOX_BASE_DIR (/app) is where files are and commands run; SANDBOX_EXEC_TIMEOUT_SECONDS (300) how long a command may run. As PID 1 it collects
// orphans.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/reap"
	"bulkhead.dev/guest/internal/runtimeapi"
)

const (
	// drainFor is what calls under way get when the container is to end. Kubernetes waits 30 seconds.
	drainFor          = 10 * time.Second
	readHeaderTimeout = 10 * time.Second
	// idleTimeout is longer than that of proxies: who closes an idle connection first may cut off a request.
	idleTimeout    = 90 * time.Second
	maxHeaderBytes = 64 << 10
	defaultPath    = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "runtime:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	flags := flag.NewFlagSet("runtime", flag.ContinueOnError)
	listen := flags.String("listen", ":8888", "address to listen at")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is more than is understood", flags.Arg(0))
	}
	settings, err := runtimeapi.FromEnvironment(os.Getenv)
	if err != nil {
		return err
	}
	if os.Getenv("PATH") == "" {
		if err := os.Setenv("PATH", defaultPath); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(settings.BaseDir, 0o755); err != nil {
		return err
	}
	reap.Collect()
	stopping, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT)
	defer stop()
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "runtime: listening at", listener.Addr())
	server := &http.Server{
		Handler:           runtimeapi.New(settings),
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-stopping.Done():
	}
	draining, cancel := context.WithTimeout(context.Background(), drainFor)
	defer cancel()
	err = server.Shutdown(draining)
	if errors.Is(err, context.DeadlineExceeded) {
		// Commands end with the connections of those who wait for them.
		return server.Close()
	}
	return err
}
