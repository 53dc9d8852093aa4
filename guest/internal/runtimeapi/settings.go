package runtimeapi

import (
	"fmt"
	"path"
	"strconv"
	"time"
)

// Settings of a Service.
type Settings struct {
	// BaseDir is where files are, and where commands run.
	BaseDir string
	// ExecTimeout is the longest a command may run.
	ExecTimeout time.Duration
}

const (
	defaultBaseDir     = "/app"
	defaultExecTimeout = 300 * time.Second
	maxExecTimeout     = 30 * 24 * time.Hour
)

// FromEnvironment reads SANDBOX_BASE_DIR and SANDBOX_EXEC_TIMEOUT_SECONDS; an error names the variable.
func FromEnvironment(get func(string) string) (Settings, error) {
	settings := Settings{BaseDir: defaultBaseDir, ExecTimeout: defaultExecTimeout}
	if dir := get("SANDBOX_BASE_DIR"); dir != "" {
		if !path.IsAbs(dir) {
			return Settings{}, fmt.Errorf("SANDBOX_BASE_DIR: %q is not an absolute path", dir)
		}
		settings.BaseDir = path.Clean(dir)
	}
	if text := get("SANDBOX_EXEC_TIMEOUT_SECONDS"); text != "" {
		seconds, err := strconv.ParseFloat(text, 64)
		limit, valid := duration(seconds)
		if err != nil || !valid {
			return Settings{}, fmt.Errorf("SANDBOX_EXEC_TIMEOUT_SECONDS: %q is not a number of seconds above 0", text)
		}
		settings.ExecTimeout = limit
	}
	return settings, nil
}

// duration of so many seconds, at most maxExecTimeout; not valid when that is no time at all.
func duration(seconds float64) (limit time.Duration, valid bool) {
	if !(seconds > 0) { // not a number, too
		return 0, false
	}
	return max(1, time.Duration(min(seconds, maxExecTimeout.Seconds())*float64(time.Second))), true
}
