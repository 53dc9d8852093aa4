// Package metrics says what the guest uses of what it was given.
package metrics

import (
	"encoding/json"
	"net/http"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/fault"
	"bulkhead.dev/guest/internal/identity"
)

// Sample is the answer of GET /metrics, as the E2B clients know it. Sizes in bytes.
type Sample struct {
	// Unix is seconds since 1970.
	Unix     int64 `json:"ts"`
	CPUCount int   `json:"cpu_count"`
	// CPUUsedPercent is of one CPU (200 for two busy ones), since the sample before; of the first one, since the guest started.
	CPUUsedPercent float64 `json:"cpu_used_pct"`
	MemTotal       uint64  `json:"mem_total"`
	// MemUsed leaves out what the kernel would give back at once.
	MemUsed uint64 `json:"mem_used"`
	// MemCache is page cache and the like.
	MemCache uint64 `json:"mem_cache"`
	// DiskTotal and DiskUsed are those of the root file system.
	DiskTotal uint64 `json:"disk_total"`
	DiskUsed  uint64 `json:"disk_used"`
}

// Service serves GET /metrics, and GET /envs: the environment that processes get by default.
type Service struct {
	ids *identity.Store

	mu     sync.Mutex
	before cpuTimes
}

// NewService makes the service; the environment comes from ids.
func NewService(ids *identity.Store) *Service { return &Service{ids: ids} }

// Register puts the service's routes into mux.
func (s *Service) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		sample, err := s.sample()
		if err != nil {
			fault.Write(w, err)
			return
		}
		writeJSON(w, sample)
	})
	mux.HandleFunc("GET /envs", func(w http.ResponseWriter, _ *http.Request) {
		env := s.ids.Current().Env
		if env == nil {
			env = map[string]string{}
		}
		writeJSON(w, env)
	})
}

func (s *Service) sample() (Sample, error) {
	sample := Sample{Unix: time.Now().Unix(), CPUCount: runtime.NumCPU()}
	memory, err := readMemory()
	if err != nil {
		return sample, err
	}
	sample.MemTotal, sample.MemUsed, sample.MemCache = memory.total, memory.total-min(memory.available, memory.total), memory.cache
	var disk unix.Statfs_t
	if err := unix.Statfs("/", &disk); err != nil {
		return sample, err
	}
	sample.DiskTotal = disk.Blocks * uint64(disk.Bsize)
	sample.DiskUsed = (disk.Blocks - min(disk.Bfree, disk.Blocks)) * uint64(disk.Bsize)
	cpu, err := readCPU()
	if err != nil {
		return sample, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sample.CPUUsedPercent = cpu.percentSince(s.before, sample.CPUCount)
	s.before = cpu
	return sample, nil
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the client may have gone
}
