package boot

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/console"
	"bulkhead.dev/guest/internal/machine"
)

const (
	// termGrace is how long processes have between SIGTERM and SIGKILL.
	termGrace = 500 * time.Millisecond
	// killGrace bounds the wait for what SIGKILL does not end at once, such as a process in the middle of a write to the disk.
	killGrace = 1 * time.Second
)

// PowerOff ends all processes, has drain let the last answers out, makes the disk clean and ends the machine. It does not return.
func (m *Machine) PowerOff(drain func()) {
	endProcesses()
	drain()
	if m.state.kind == machine.GVisor {
		// The sandbox ends with its first process; its disk is a file of the host.
		os.Exit(0)
	}
	unix.Sync()
	if m.state.disk != nil {
		if err := m.state.disk.makeReadOnly(); err != nil {
			console.Printf("the disk is synced but not unmounted: %v", err)
		}
	}
	Halt()
}

// Halt ends a Linux machine at once. It does not return.
func Halt() {
	how := unix.LINUX_REBOOT_CMD_POWER_OFF
	if _, err := os.Stat("/sys/firmware/acpi"); err != nil {
		// Without ACPI a power-off only stops the processor, and the VMM would wait for ever. It takes a reset for the end.
		how = unix.LINUX_REBOOT_CMD_RESTART
	}
	err := unix.Reboot(how)
	console.Printf("reboot: %v", err)
	os.Exit(1) // the kernel panics without its first process, and the VMM ends
}

// endProcesses signals every process but this one, and waits for them, woken by SIGCHLD: all become children of PID 1 as they lose theirs.
func endProcesses() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, unix.SIGCHLD)
	defer signal.Stop(ended)
	for _, round := range []struct {
		signal unix.Signal
		grace  time.Duration
	}{{unix.SIGTERM, termGrace}, {unix.SIGKILL, killGrace}} {
		if err := unix.Kill(-1, round.signal); errors.Is(err, unix.ESRCH) {
			return // nobody is there
		}
		// A stopped process takes its SIGTERM only when it goes on; an interactive shell takes none, but ends when its terminal does.
		_ = unix.Kill(-1, unix.SIGHUP)
		_ = unix.Kill(-1, unix.SIGCONT)
		late := time.After(round.grace)
		for othersRun("/proc") {
			select {
			case <-ended:
				continue
			case <-late:
			}
			break
		}
	}
}

// othersRun says whether a user process besides this one is alive. Kernel threads have no command line; zombies neither.
func othersRun(proc string) bool {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return false
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if status, err := os.ReadFile(filepath.Join(proc, entry.Name(), "stat")); err == nil && alive(string(status)) {
			return true
		}
	}
	return false
}

// kernelThread is PF_KTHREAD of <linux/sched.h>.
const kernelThread = 0x00200000

// alive reads /proc/PID/stat: the state is the first field after the name in parentheses, the flags are the seventh.
func alive(stat string) bool {
	_, rest, found := strings.Cut(stat[max(strings.LastIndexByte(stat, ')'), 0):], ") ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 7 {
		return false
	}
	flags, err := strconv.ParseUint(fields[6], 10, 64)
	return err == nil && flags&kernelThread == 0 && fields[0] != "Z" && fields[0] != "X"
}
