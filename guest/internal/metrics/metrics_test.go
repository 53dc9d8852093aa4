package metrics

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"bulkhead.dev/guest/internal/identity"
)

func TestShare(t *testing.T) {
	before, err := parseCPU("cpu  100 0 100 700 100 0 0 0 50 0")
	if err != nil {
		t.Fatal(err)
	}
	after, err := parseCPU("cpu  150 0 150 750 150 0 0 0 99 0")
	if err != nil {
		t.Fatal(err)
	}
	if got := after.percentSince(before, 2); got != 100 {
		t.Errorf("half of two CPUs is %v %%", got)
	}
	for name, got := range map[string]float64{"no time": after.percentSince(after, 2), "restored": before.percentSince(after, 2)} {
		if got != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, line := range []string{"", "cpu", "cpu0 1 2 3 4", "cpu a b c d"} {
		if _, err := parseCPU(line); err == nil {
			t.Errorf("%q was read", line)
		}
	}
}

func TestAnswers(t *testing.T) {
	ids := identity.NewStore(identity.Identity{Env: map[string]string{"A": "1"}})
	mux := http.NewServeMux()
	NewService(ids).Register(mux)
	get := func(path string, into any) {
		t.Helper()
		recorder := httptest.NewRecorder()
		mux.ServeHTTP(recorder, httptest.NewRequest("GET", path, nil))
		if err := json.Unmarshal(recorder.Body.Bytes(), into); err != nil || recorder.Code != 200 {
			t.Fatalf("%s: %d %s", path, recorder.Code, recorder.Body)
		}
	}
	var sample Sample
	get("/metrics", &sample)
	if sample.CPUCount < 1 || sample.MemTotal == 0 || sample.MemUsed == 0 || sample.MemUsed >= sample.MemTotal || sample.DiskTotal == 0 || sample.DiskUsed > sample.DiskTotal {
		t.Errorf("%+v", sample)
	}
	var env map[string]string
	if get("/envs", &env); env["A"] != "1" {
		t.Errorf("%v", env)
	}
}
