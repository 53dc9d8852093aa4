package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"bulkhead.dev/guest/internal/reap"
)

const (
	cgroupRoot     = "/sys/fs/cgroup"
	workloadCgroup = cgroupRoot + "/workload"
)

// limitWorkload has all processes of the workload start in a cgroup of their own, so that a fork bomb leaves the agent what it needs: half
// of the processor when it wants it (a group as a whole weighs as much as the agent), and a quarter of the threads, for the Go runtime
// ends, and the machine with its first process, when it cannot start one. A convenience: root in the guest can undo it, and what limits
// the guest as a whole stands outside.
func limitWorkload(*booted) error {
	limit, err := os.ReadFile("/proc/sys/kernel/threads-max")
	if err != nil {
		return err
	}
	threads, err := strconv.Atoi(strings.TrimSpace(string(limit)))
	if err != nil {
		return err
	}
	offered, err := os.ReadFile(filepath.Join(cgroupRoot, "cgroup.controllers"))
	if err != nil {
		return nil // a kernel without control groups
	}
	for _, controller := range []string{"cpu", "pids"} {
		if !slices.Contains(strings.Fields(string(offered)), controller) {
			return nil
		}
		if err := os.WriteFile(filepath.Join(cgroupRoot, "cgroup.subtree_control"), []byte("+"+controller), 0); err != nil {
			return fmt.Errorf("%s: %w", controller, err)
		}
	}
	if err := os.Mkdir(workloadCgroup, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(workloadCgroup, "pids.max"), []byte(strconv.Itoa(threads*3/4)), 0); err != nil {
		return fmt.Errorf("pids.max: %w", err)
	}
	folder, err := os.Open(workloadCgroup)
	if err != nil {
		return err
	}
	reap.StartIn(folder)
	return nil
}
