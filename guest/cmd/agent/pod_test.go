package main

import (
	"maps"
	"testing"
)

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
