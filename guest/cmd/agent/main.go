// Command agent is the guest agent: the first process of a guest, or an ordinary server for development.
//
//	agent                                       as PID 1: boots the guest and serves its channel
//	agent serve --listen tcp:ADDR|unix:PATH     serves the same on a socket, without being PID 1
//	agent pod --listen ADDR                     as a Pod's first process: serves the same to who has a signed token
//	agent install PATH                          copies itself, for an init container to give it to another image
package main

import (
	"fmt"
	"os"

	"bulkhead.dev/guest/internal/boot"
	"bulkhead.dev/guest/internal/console"
	"bulkhead.dev/guest/internal/machine"
)

// commands are what the agent does as it is told; a kernel that starts it as its first process tells it nothing.
var commands = map[string]func(arguments []string) error{"serve": serve, "pod": pod, "install": install}

func main() {
	command := serve // which says how it is used
	if len(os.Args) > 1 && commands[os.Args[1]] != nil {
		command = commands[os.Args[1]]
	}
	if os.Getpid() != 1 || inContainer() {
		if err := command(os.Args[1:]); err != nil {
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

// inContainer: a kernel gives words of its command line that it does not know to its first process as arguments, so these alone do not say
// that this is a Pod. The variable does: our templates set it.
func inContainer() bool {
	_, given := os.LookupEnv(podVariable)
	return given
}
