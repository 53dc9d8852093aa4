package metrics

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// cpuTimes are sums over all CPUs since the start, in clock ticks. Source: the first line of /proc/stat.
type cpuTimes struct{ busy, all uint64 }

func readCPU() (cpuTimes, error) {
	line, err := firstLine("/proc/stat")
	if err != nil {
		return cpuTimes{}, err
	}
	return parseCPU(line)
}

// parseCPU reads "cpu user nice system idle iowait irq softirq steal guest guest_nice"; the last two are part of user and nice.
func parseCPU(line string) (cpuTimes, error) {
	fields := strings.Fields(line)
	if len(fields) < 5 || fields[0] != "cpu" {
		return cpuTimes{}, fmt.Errorf("/proc/stat begins with %.40q", line)
	}
	var times cpuTimes
	for i, field := range fields[1:min(len(fields), 9)] {
		ticks, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return cpuTimes{}, fmt.Errorf("/proc/stat: %w", err)
		}
		times.all += ticks
		if idle := i == 3 || i == 4; !idle {
			times.busy += ticks
		}
	}
	return times, nil
}

// percentSince is rounded to two digits; 0 where no time has passed, or where it went back, as after a restore.
func (t cpuTimes) percentSince(before cpuTimes, cpus int) float64 {
	if t.all <= before.all || t.busy < before.busy {
		return 0
	}
	share := float64(t.busy-before.busy) / float64(t.all-before.all)
	return math.Round(share*float64(cpus)*100*100) / 100
}

type memory struct{ total, available, cache uint64 }

// readMemory reads /proc/meminfo, whose figures are in KiB.
func readMemory() (memory, error) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return memory{}, err
	}
	defer f.Close()
	var m memory
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		into := map[string]*uint64{"MemTotal": &m.total, "MemAvailable": &m.available, "Cached": &m.cache}[name]
		if into == nil {
			continue
		}
		kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			return memory{}, fmt.Errorf("/proc/meminfo: %s: %w", name, err)
		}
		*into = kib << 10
	}
	return m, lines.Err()
}

func firstLine(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan()
	return lines.Text(), lines.Err()
}
