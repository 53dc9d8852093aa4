package main

import (
	"encoding/json"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// minProcessors: with one, programs leave out locks that they then miss; gVisor's own rule.
const minProcessors = 2

// withResources returns the arguments of `runsc … boot …` with --total-memory and --cpu-num as the spec in its bundle says. Any other
// command's, and those of a bundle that cannot be read or sets no limit, are returned as they are. boot starts itself anew when it has
// shut itself in: by then the bundle is out of reach, and the arguments already are what they should be.
func withResources(args []string, read func(path string) ([]byte, error)) []string {
	boot := commandIndex(args)
	if boot < 0 || args[boot] != "boot" {
		return args
	}
	resources := resourcesOf(args[boot+1:], read)
	changed := append([]string(nil), args...)
	if memory := resources.Memory; memory != nil && memory.Limit != nil && *memory.Limit > 0 {
		for i := boot + 1; i+1 < len(changed); i++ {
			if changed[i] == "--total-memory" {
				changed[i+1] = strconv.FormatInt(*memory.Limit, 10)
			}
		}
	}
	if cpu := resources.CPU; cpu != nil && cpu.Quota != nil && cpu.Period != nil && *cpu.Quota > 0 && *cpu.Period > 0 {
		processors := int((*cpu.Quota + int64(*cpu.Period) - 1) / int64(*cpu.Period))
		processors = min(max(processors, minProcessors), runtime.NumCPU())
		// The first of two would not count: gVisor gives one only together with cgroups of its own.
		option := "--cpu-num=" + strconv.Itoa(processors)
		changed = append(changed[:boot+1], append([]string{option}, changed[boot+1:]...)...)
	}
	return changed
}

// commandIndex finds the command: the first argument that is no option. runsc hands its options on as --name=value.
func commandIndex(args []string) int {
	for i := 1; i < len(args); i++ {
		if !strings.HasPrefix(args[i], "-") {
			return i
		}
	}
	return -1
}

func resourcesOf(bootArgs []string, read func(path string) ([]byte, error)) specs.LinuxResources {
	var spec specs.Spec
	for _, arg := range bootArgs {
		bundle, found := strings.CutPrefix(arg, "--bundle=")
		if !found {
			continue
		}
		text, err := read(filepath.Join(bundle, "config.json"))
		if err != nil || json.Unmarshal(text, &spec) != nil || spec.Linux == nil || spec.Linux.Resources == nil {
			break
		}
		return *spec.Linux.Resources
	}
	return specs.LinuxResources{}
}
