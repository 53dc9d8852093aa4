// Command agent is the guest agent: the first process of a guest, or an ordinary server for development.
//
//	agent                                       as PID 1: boots the guest and serves its channel
//	agent serve --listen tcp:ADDR|unix:PATH     serves the same on a socket, without being PID 1
package main

import (
	"fmt"
	"os"

	"bulkhead.dev/guest/internal/boot"
	"bulkhead.dev/guest/internal/console"
	"bulkhead.dev/guest/internal/machine"
)

func main() {
	if os.Getpid() != 1 {
		if err := serve(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "agent:", err)
			os.Exit(1)
		}
		return
	}
	kind := machine.Linux
	if _, given := os.LookupEnv(keyVariable); given {
		kind = machine.GVisor
	}
	if err := guest(kind); err != nil {
		console.Printf("boot failed: %v", err)
		if kind == machine.Linux {
			boot.Halt()
		}
		os.Exit(1)
	}
}
