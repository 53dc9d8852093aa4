// Package keepalive knows how often a client wants to hear from a stream on which nothing happens.
package keepalive

import (
	"net/http"
	"strconv"
	"time"
)

const (
	header          = "Keepalive-Ping-Interval"
	defaultInterval = 90 * time.Second
	maxSeconds      = 24 * 60 * 60
)

// Interval is what the header asks for in whole seconds, at least 1; 90 s when it is absent or not such a number.
func Interval(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get(header))
	if err != nil || seconds < 1 {
		return defaultInterval
	}
	return time.Duration(min(seconds, maxSeconds)) * time.Second
}
