package main

import (
	"time"

	"bulkhead.dev/guest/internal/files"
	"bulkhead.dev/guest/internal/filesystem"
	"bulkhead.dev/guest/internal/guestservice"
	"bulkhead.dev/guest/internal/identity"
	"bulkhead.dev/guest/internal/machine"
	"bulkhead.dev/guest/internal/metrics"
	"bulkhead.dev/guest/internal/process"
	"bulkhead.dev/guest/internal/server"
	"bulkhead.dev/guest/internal/tree"
)

// version names the build; set by the linker (-X main.version=…).
var version = "dev"

// agent is what every way of running has in common.
type agent struct {
	server  *server.Server
	machine *machine.Machine
}

// newAgent composes the services. powerOff ends the machine; it is given what lets the server's answers out.
func newAgent(ids *identity.Store, kind machine.Kind, patience server.Patience, powerOff func(drain func(time.Duration))) *agent {
	httpServer := server.New(patience)
	m := machine.New(kind, func() { powerOff(httpServer.Drain) })
	httpServer.SetHandler(server.Handler(ids,
		guestservice.NewService(ids, m, version, httpServer.CloseOthers),
		process.NewService(ids),
		filesystem.NewService(ids),
		files.NewService(ids),
		tree.NewService(ids),
		metrics.NewService(ids),
	))
	return &agent{server: httpServer, machine: m}
}
