package main

import (
	"maps"
	"strings"
	"testing"
)

func TestPodOnlyInAContainer(t *testing.T) {
	err := pod([]string{"pod", "--listen", "127.0.0.1:0"})
	if err == nil || !strings.Contains(err.Error(), "not the first process") {
		t.Errorf("got %v", err)
	}
}

func TestImageEnvironment(t *testing.T) {
	got := imageEnvironment([]string{
		"PATH=/opt/bin:/bin", "LANG=C", "EMPTY=", "EQUALS=a=b",
		"BULKHEAD_POD_UID=x", "BULKHEAD_TOKEN_KEYS=y", "KUBERNETES_SERVICE_HOST=10.0.0.1", "HOSTNAME=pod", "HOME=/root", "odd", "=odder",
	})
	want := map[string]string{"PATH": "/opt/bin:/bin", "LANG": "C", "EMPTY": "", "EQUALS": "a=b"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
