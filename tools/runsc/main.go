// Command runsc is gVisor's, unchanged but for one thing: the sentry is told the memory and the processors that the OCI spec gives it.
//
// gVisor takes both from cgroups that it makes itself (runsc/sandbox/sandbox.go, createSandboxProcess), which needs root. Here it runs
// without, in cgroups made around it, and would show its guests the host's memory and processors: programs that size themselves by those
// (Node's heap, a JVM, a pool of workers) would then be ended by the limit they could not see.
package main

import (
	"os"

	"gvisor.dev/gvisor/runsc/cli/maincli"
	"gvisor.dev/gvisor/runsc/version"
)

// version.Version is set by the linker and must be part of the binary for that.
var _ = version.Version()

func main() {
	os.Args = withResources(os.Args, os.ReadFile)
	maincli.Main()
}
