package guestservice

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"connectrpc.com/connect"

	guestv1 "bulkhead.dev/guest/internal/gen/bulkhead/guest/v1"
	"bulkhead.dev/guest/internal/gen/bulkhead/guest/v1/guestv1connect"
	"bulkhead.dev/guest/internal/identity"
)

// recorder is a machine that notes what is done to it.
type recorder struct {
	done []string
	fail map[string]error
}

func (r *recorder) note(what string) error {
	r.done = append(r.done, what)
	return r.fail[what]
}

func (r *recorder) Seed([]byte) error             { return r.note("seed") }
func (r *recorder) SetClock(int64) error          { return r.note("clock") }
func (r *recorder) SetNames(string, string) error { return r.note("names") }
func (r *recorder) BootID() (string, error)       { return "boot", r.note("boot id") }
func (r *recorder) Sync() error                   { return r.note("sync") }
func (r *recorder) PowerOff()                     { _ = r.note("power off") }

func newClient(t *testing.T, ids *identity.Store, machine Machine, closeOthers func()) guestv1connect.GuestClient {
	t.Helper()
	mux := http.NewServeMux()
	NewService(ids, machine, "1.2.3", func(context.Context) { closeOthers() }).Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return guestv1connect.NewGuestClient(server.Client(), server.URL)
}

func proper() *guestv1.ConfigureRequest {
	return &guestv1.ConfigureRequest{
		Hostname:           "box-1",
		MachineId:          "00112233445566778899aabbccddeeff",
		AccessToken:        "token",
		ChannelKey:         "ffeeddccbbaa99887766554433221100",
		Entropy:            make([]byte, 32),
		WallClockUnixNanos: 1,
		Env:                map[string]string{"A": "b=c"},
		User:               "user",
		Workdir:            "/work",
	}
}

func TestConfigureSeedsFirstAndSetsAll(t *testing.T) {
	ids, machine, closed := identity.NewStore(identity.Identity{ChannelKey: "old"}), &recorder{}, 0
	client := newClient(t, ids, machine, func() { closed++ })
	answer, err := client.Configure(t.Context(), connect.NewRequest(proper()))
	if err != nil || answer.Msg.AgentVersion != "1.2.3" {
		t.Fatalf("%v, %v", answer, err)
	}
	if wanted := []string{"seed", "clock", "names"}; !slices.Equal(machine.done, wanted) {
		t.Errorf("done: %q, wanted %q", machine.done, wanted)
	}
	got := ids.Current()
	if got.ChannelKey != proper().ChannelKey || got.AccessToken != "token" || got.Env["A"] != "b=c" || got.User != "user" || got.Workdir != "/work" {
		t.Errorf("the identity is %+v", got)
	}
	if closed != 1 {
		t.Errorf("other connections were closed %d times", closed)
	}
}

// Two clones with one random state or one time must not run: nothing of the new identity is given out.
func TestConfigureFailsWithoutEntropyOrClock(t *testing.T) {
	for _, what := range []string{"seed", "clock"} {
		ids := identity.NewStore(identity.Identity{AccessToken: "old"})
		client := newClient(t, ids, &recorder{fail: map[string]error{what: errors.New("refused")}}, func() {})
		if _, err := client.Configure(t.Context(), connect.NewRequest(proper())); connect.CodeOf(err) != connect.CodeInternal {
			t.Errorf("%s: %v", what, err)
		}
		if ids.Current().AccessToken != "old" {
			t.Errorf("%s: the identity was set", what)
		}
	}
}

// Root in the guest can make /etc unwritable. That must not keep the host from replacing keys.
func TestConfigureGoesOnWithoutNames(t *testing.T) {
	ids := identity.NewStore(identity.Identity{})
	client := newClient(t, ids, &recorder{fail: map[string]error{"names": errors.New("no space left")}}, func() {})
	if _, err := client.Configure(t.Context(), connect.NewRequest(proper())); err != nil || ids.Current().AccessToken != "token" {
		t.Errorf("%v, token %q", err, ids.Current().AccessToken)
	}
}

func TestConfigureRefusesBeforeItChangesAnything(t *testing.T) {
	for name, spoil := range map[string]func(*guestv1.ConfigureRequest){
		"no hostname":        func(r *guestv1.ConfigureRequest) { r.Hostname = "" },
		"hostname of a line": func(r *guestv1.ConfigureRequest) { r.Hostname = "a\n127.0.0.1 b" },
		"long hostname":      func(r *guestv1.ConfigureRequest) { r.Hostname = string(slices.Repeat([]byte("a"), 64)) },
		"machine id":         func(r *guestv1.ConfigureRequest) { r.MachineId = "00112233445566778899AABBCCDDEEFF" },
		"channel key":        func(r *guestv1.ConfigureRequest) { r.ChannelKey = "a b" },
		"no token":           func(r *guestv1.ConfigureRequest) { r.AccessToken = "" },
		"little entropy":     func(r *guestv1.ConfigureRequest) { r.Entropy = r.Entropy[1:] },
		"no clock":           func(r *guestv1.ConfigureRequest) { r.WallClockUnixNanos = 0 },
		"env name":           func(r *guestv1.ConfigureRequest) { r.Env = map[string]string{"A=B": "c"} },
		"env without a name": func(r *guestv1.ConfigureRequest) { r.Env = map[string]string{"": "c"} },
		"env NUL":            func(r *guestv1.ConfigureRequest) { r.Env = map[string]string{"A": "b\x00"} },
		"relative workdir":   func(r *guestv1.ConfigureRequest) { r.Workdir = "work" },
		"user NUL":           func(r *guestv1.ConfigureRequest) { r.User = "us\x00er" },
	} {
		machine := &recorder{}
		client := newClient(t, identity.NewStore(identity.Identity{}), machine, func() {})
		request := proper()
		spoil(request)
		if _, err := client.Configure(t.Context(), connect.NewRequest(request)); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
		if len(machine.done) > 0 {
			t.Errorf("%s: already done: %q", name, machine.done)
		}
	}
}

func TestEvidenceEchoesTheNonceAndNamesTheKernel(t *testing.T) {
	client := newClient(t, identity.NewStore(identity.Identity{}), &recorder{}, func() {})
	answer, err := client.Evidence(t.Context(), connect.NewRequest(&guestv1.EvidenceRequest{Nonce: "n"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Msg; got.Nonce != "n" || got.BootId != "boot" || got.KernelRelease == "" || got.Hostname == "" || got.UptimeMillis <= 0 {
		t.Errorf("%+v", got)
	}
	long := string(make([]byte, maxNonceBytes+1))
	if _, err := client.Evidence(t.Context(), connect.NewRequest(&guestv1.EvidenceRequest{Nonce: long})); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("a long nonce: %v", err)
	}
}

func TestPowerOffAnswers(t *testing.T) {
	machine := &recorder{}
	client := newClient(t, identity.NewStore(identity.Identity{}), machine, func() {})
	if _, err := client.PowerOff(t.Context(), connect.NewRequest(&guestv1.PowerOffRequest{})); err != nil || !slices.Equal(machine.done, []string{"power off"}) {
		t.Errorf("%v, done %q", err, machine.done)
	}
}
