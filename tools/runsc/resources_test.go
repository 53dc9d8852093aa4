package main

import (
	"errors"
	"runtime"
	"slices"
	"strconv"
	"testing"
)

func TestWithResources(t *testing.T) {
	both := `{"linux":{"resources":{"memory":{"limit":536870912},"cpu":{"quota":250000,"period":100000}}}}`
	three := "--cpu-num=" + strconv.Itoa(min(3, runtime.NumCPU()))
	one := `{"linux":{"resources":{"cpu":{"quota":100000,"period":100000}}}}`
	two := "--cpu-num=" + strconv.Itoa(min(2, runtime.NumCPU()))
	for name, test := range map[string]struct {
		config string
		args   []string
		want   []string
	}{
		"both":             {both, []string{"runsc-sandbox", "--root=/r", "--log-fd=3", "boot", "--bundle=/b", "--total-memory", "9", "id"}, []string{"runsc-sandbox", "--root=/r", "--log-fd=3", "boot", three, "--bundle=/b", "--total-memory", "536870912", "id"}},
		"one processor":    {one, []string{"runsc-sandbox", "boot", "--bundle=/b", "--total-memory", "9", "id"}, []string{"runsc-sandbox", "boot", two, "--bundle=/b", "--total-memory", "9", "id"}},
		"another command":  {both, []string{"runsc", "--root=/r", "run", "--bundle=/b", "boot"}, nil},
		"no resources":     {`{"linux":{}}`, []string{"x", "boot", "--bundle=/b", "--total-memory", "9"}, nil},
		"no limit":         {`{"linux":{"resources":{"memory":{"limit":-1},"cpu":{"quota":-1,"period":100000}}}}`, []string{"x", "boot", "--bundle=/b", "--total-memory", "9"}, nil},
		"not JSON":         {`{`, []string{"x", "boot", "--bundle=/b", "--total-memory", "9"}, nil},
		"out of reach":     {"", []string{"x", "boot", "--bundle=/b", "--total-memory", "9"}, nil},
		"no bundle":        {both, []string{"x", "boot", "--total-memory", "9"}, nil},
		"no command":       {both, []string{"x", "--help"}, nil},
		"memory left open": {both, []string{"x", "boot", "--bundle=/b", "--total-memory"}, []string{"x", "boot", three, "--bundle=/b", "--total-memory"}},
	} {
		t.Run(name, func(t *testing.T) {
			given := slices.Clone(test.args)
			want := test.want
			if want == nil {
				want = test.args
			}
			got := withResources(given, func(path string) ([]byte, error) {
				if path != "/b/config.json" || test.config == "" {
					return nil, errors.New("no such file")
				}
				return []byte(test.config), nil
			})
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if !slices.Equal(given, test.args) {
				t.Error("the arguments were changed in place")
			}
		})
	}
}
