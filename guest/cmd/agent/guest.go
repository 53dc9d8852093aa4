package main

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/boot"
	"bulkhead.dev/guest/internal/channel"
	"bulkhead.dev/guest/internal/console"
	"bulkhead.dev/guest/internal/identity"
	"bulkhead.dev/guest/internal/machine"
	"bulkhead.dev/guest/internal/reap"
	"bulkhead.dev/guest/internal/server"
)

const (
	// keyVariable carries the first channel key in gVisor, and says that this is gVisor.
	keyVariable = "BULKHEAD_CHANNEL_KEY"
	// keyParameter carries it on the kernel's command line.
	keyParameter = "bulkhead.key="
	// drainFor is how long answers may take to get out before the power goes.
	drainFor = 500 * time.Millisecond
)

// guest is PID 1. It returns only with what made the boot fail.
func guest(kind machine.Kind) error {
	reap.Collect()
	booted, err := boot.Boot(kind)
	if err != nil {
		return err
	}
	key, err := firstKey(kind)
	if err != nil {
		return err
	}
	stream, err := openStream(kind)
	if err != nil {
		return err
	}
	ids := identity.NewStore(identity.Identity{ChannelKey: key})
	agent := newAgent(ids, kind, server.Patience{}, func(drain func(time.Duration)) {
		booted.PowerOff(func() { drain(drainFor) })
	})
	powerOffOnSignal(agent.machine)
	if err = agent.server.Serve(channel.NewListener(stream, ids.ChannelKey)); err != nil {
		console.Printf("no host can reach this guest any more: %v", err)
		agent.machine.PowerOff()
	}
	select {} // until the power is gone
}

// firstKey is the channel key until the host sets another. It is taken out of the environment: processes get that of the identity.
func firstKey(kind machine.Kind) (string, error) {
	if kind == machine.GVisor {
		key := os.Getenv(keyVariable)
		return key, os.Unsetenv(keyVariable)
	}
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return "", err
	}
	for parameter := range strings.FieldsSeq(string(line)) {
		if key, ours := strings.CutPrefix(parameter, keyParameter); ours {
			return key, nil
		}
	}
	return "", fmt.Errorf("the kernel's command line has no %s", keyParameter)
}

func openStream(kind machine.Kind) (channel.Stream, error) {
	if kind == machine.GVisor {
		return channel.OpenSocket(0)
	}
	return channel.OpenPort(channel.PortName)
}

// powerOffOnSignal: the runtime ends a gVisor sandbox with SIGTERM; root in the guest may do the same.
func powerOffOnSignal(m *machine.Machine) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, unix.SIGTERM, unix.SIGINT)
	go func() {
		<-asked
		m.PowerOff()
	}()
}
