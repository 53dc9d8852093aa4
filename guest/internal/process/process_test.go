package process

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	processv1 "bulkhead.dev/guest/internal/gen/process"
	"bulkhead.dev/guest/internal/gen/process/processconnect"
	"bulkhead.dev/guest/internal/identity"
)

// patience is how long a test waits for what must come; nothing is asserted about how long it took.
const patience = 30 * time.Second

type fixture struct {
	processconnect.ProcessClient
	t   *testing.T
	ids *identity.Store
	ctx context.Context
}

func newFixture(t *testing.T, options ...connect.ClientOption) *fixture {
	t.Helper()
	ids := identity.NewStore(identity.Identity{User: strconv.Itoa(os.Getuid()), Workdir: t.TempDir()})
	mux := http.NewServeMux()
	NewService(ids).Register(mux)
	server := httptest.NewUnstartedServer(mux)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return &fixture{processconnect.NewProcessClient(server.Client(), server.URL, options...), t, ids, ctx}
}

func shell(script string) *processv1.StartRequest {
	return &processv1.StartRequest{Process: &processv1.ProcessConfig{Cmd: "sh", Args: []string{"-c", script}}, Stdin: proto.Bool(false)}
}

// stream is what Start and Connect give.
type stream interface {
	Receive() bool
	Err() error
	Close() error
	event() *processv1.ProcessEvent
}

type startStream struct {
	*connect.ServerStreamForClient[processv1.StartResponse]
}
type connectStream struct {
	*connect.ServerStreamForClient[processv1.ConnectResponse]
}

func (s startStream) event() *processv1.ProcessEvent   { return s.Msg().GetEvent() }
func (s connectStream) event() *processv1.ProcessEvent { return s.Msg().GetEvent() }

// begin starts a process and returns after its start event. Cancel leaves it alone.
func (f *fixture) begin(request *processv1.StartRequest, headers ...string) (s stream, pid uint32, leave func()) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(f.ctx)
	call := connect.NewRequest(request)
	for i := 0; i < len(headers); i += 2 {
		call.Header().Set(headers[i], headers[i+1])
	}
	started, err := f.Start(ctx, call)
	if err != nil {
		f.t.Fatal(err)
	}
	s = startStream{started}
	f.t.Cleanup(func() { cancel(); _ = s.Close() })
	return s, f.started(s), cancel
}

func (f *fixture) started(s stream) uint32 {
	f.t.Helper()
	if !s.Receive() {
		f.t.Fatalf("no start: %v", s.Err())
	}
	start := s.event().GetStart()
	if start == nil {
		f.t.Fatalf("the first event is %v", s.event())
	}
	return start.GetPid()
}

func (f *fixture) attach(selector *processv1.ProcessSelector) stream {
	f.t.Helper()
	connected, err := f.Connect(f.ctx, connect.NewRequest(&processv1.ConnectRequest{Process: selector}))
	if err != nil {
		f.t.Fatal(err)
	}
	s := connectStream{connected}
	f.t.Cleanup(func() { _ = s.Close() })
	f.started(s)
	return s
}

type result struct {
	stdout, stderr, pty bytes.Buffer
	end                 *processv1.ProcessEvent_EndEvent
}

func (f *fixture) rest(s stream) *result {
	f.t.Helper()
	got := &result{}
	for s.Receive() {
		if got.end != nil {
			f.t.Fatalf("after the end came %v", s.event())
		}
		got.stdout.Write(s.event().GetData().GetStdout())
		got.stderr.Write(s.event().GetData().GetStderr())
		got.pty.Write(s.event().GetData().GetPty())
		got.end = s.event().GetEnd()
	}
	if s.Err() != nil || got.end == nil {
		f.t.Fatalf("no end: %v", s.Err())
	}
	return got
}

func (f *fixture) run(request *processv1.StartRequest, headers ...string) *result {
	f.t.Helper()
	s, _, _ := f.begin(request, headers...)
	return f.rest(s)
}

func byPid(pid uint32) *processv1.ProcessSelector {
	return &processv1.ProcessSelector{Selector: &processv1.ProcessSelector_Pid{Pid: pid}}
}

func byTag(tag string) *processv1.ProcessSelector {
	return &processv1.ProcessSelector{Selector: &processv1.ProcessSelector_Tag{Tag: tag}}
}

func asUser(name string) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"))}
}

func TestOutputsStayApartAndBinary(t *testing.T) {
	got := newFixture(t).run(shell(`printf '\377\000\n'; printf '\376' >&2; exit 3`))
	if got.stdout.String() != "\xff\x00\n" || got.stderr.String() != "\xfe" {
		t.Errorf("stdout %q, stderr %q", got.stdout.String(), got.stderr.String())
	}
	if got.end.GetExitCode() != 3 || !got.end.GetExited() || got.end.GetStatus() != "exit status 3" || got.end.GetError() != "exit status 3" {
		t.Errorf("end %v", got.end)
	}
}

func TestASignalEndsIt(t *testing.T) {
	for _, c := range []struct {
		name    string
		options []connect.ClientOption
		signal  processv1.Signal
	}{
		{"binary clients learn its number", nil, processv1.Signal_SIGNAL_SIGTERM},
		{"JSON clients may refuse a field they do not know", []connect.ClientOption{connect.WithProtoJSON()}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			end := newFixture(t, c.options...).run(shell("kill -TERM $$")).end
			if end.GetExited() || end.GetExitCode() != -1 || end.GetStatus() != "signal: terminated" {
				t.Errorf("end %v", end)
			}
			if end.GetSignal() != c.signal {
				t.Errorf("signal %v, want %v", end.GetSignal(), c.signal)
			}
		})
	}
}

func TestWhatCannotBeStarted(t *testing.T) {
	f := newFixture(t)
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	garbage := filepath.Join(folder, "garbage")
	orphan := filepath.Join(folder, "orphan")
	for path, content := range map[string]string{garbage: "\x7fELFnot", orphan: "#!/no/such/interpreter\n", file: ""} {
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		config *processv1.ProcessConfig
		header []string
		code   connect.Code
	}{
		{"no such command", &processv1.ProcessConfig{Cmd: "no-such-command"}, nil, connect.CodeNotFound},
		{"no such path", &processv1.ProcessConfig{Cmd: folder + "/none"}, nil, connect.CodeNotFound},
		{"not in the PATH it gets", &processv1.ProcessConfig{Cmd: "sh", Envs: map[string]string{"PATH": folder}}, nil, connect.CodeNotFound},
		{"empty", &processv1.ProcessConfig{}, nil, connect.CodeInvalidArgument},
		{"a folder", &processv1.ProcessConfig{Cmd: folder}, nil, connect.CodePermissionDenied},
		{"not executable", &processv1.ProcessConfig{Cmd: file}, nil, connect.CodePermissionDenied},
		{"no program", &processv1.ProcessConfig{Cmd: garbage}, nil, connect.CodePermissionDenied},
		{"no interpreter", &processv1.ProcessConfig{Cmd: orphan}, nil, connect.CodeNotFound},
		{"no such folder", &processv1.ProcessConfig{Cmd: "true", Cwd: proto.String("/no/such/folder")}, nil, connect.CodeInvalidArgument},
		{"folder is a file", &processv1.ProcessConfig{Cmd: "true", Cwd: proto.String(file)}, nil, connect.CodeInvalidArgument},
		{"NUL in an argument", &processv1.ProcessConfig{Cmd: "true", Args: []string{"a\x00b"}}, nil, connect.CodeInvalidArgument},
		{"= in a variable's name", &processv1.ProcessConfig{Cmd: "true", Envs: map[string]string{"A=B": ""}}, nil, connect.CodeInvalidArgument},
		{"too many bytes", &processv1.ProcessConfig{Cmd: "true", Args: []string{strings.Repeat("x", 4<<20)}}, nil, connect.CodeInvalidArgument},
		{"no such user", &processv1.ProcessConfig{Cmd: "true"}, asUser("no-such-user"), connect.CodeUnauthenticated},
	} {
		t.Run(c.name, func(t *testing.T) {
			call := connect.NewRequest(&processv1.StartRequest{Process: c.config})
			if c.header != nil {
				call.Header().Set(c.header[0], c.header[1])
			}
			s, err := f.Start(f.ctx, call)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if s.Receive() || connect.CodeOf(s.Err()) != c.code {
				t.Errorf("%v %v, want %v", s.Msg(), s.Err(), c.code)
			}
		})
	}
	if list, err := f.List(f.ctx, connect.NewRequest(&processv1.ListRequest{})); err != nil || len(list.Msg.GetProcesses()) > 0 {
		t.Errorf("left over: %v %v", list, err)
	}
}

func TestEnvironmentAndUser(t *testing.T) {
	f := newFixture(t)
	f.ids.Set(identity.Identity{User: "0", Env: map[string]string{"FROM": "sandbox", "TOO": "sandbox"}})
	request := shell(`echo $FROM $TOO $HOME $USER $LOGNAME; id -u; id -g; id -G; pwd`)
	request.Process.Envs = map[string]string{"FROM": "request"}
	if os.Getuid() != 0 {
		t.Skip("other users need root")
	}
	request.Process.Cwd = proto.String("/")
	got := f.run(request, asUser("nobody")...).stdout.String()
	want := "request sandbox /nonexistent nobody nobody\n65534\n65534\n65534\n/\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheUserMayNotDoMoreThanTheUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("other users need root")
	}
	f := newFixture(t)
	request := shell(`cat /etc/shadow; echo $?; cat /proc/self/status | grep -E '^Cap(Eff|Prm)'`)
	request.Process.Cwd = proto.String("/")
	got := f.run(request, asUser("nobody")...)
	if want := "1\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"; got.stdout.String() != want {
		t.Errorf("got %q, want %q", got.stdout.String(), want)
	}
}

// An unread stream stops its own process, and nothing else; when it is read again, every byte is there.
func TestASlowReaderLosesNothingAndBlocksNobody(t *testing.T) {
	f := newFixture(t)
	const size = 32 << 20
	s, pid, _ := f.begin(shell(fmt.Sprintf(`head -c %d /dev/urandom | tee data`, size)))
	for range 3 {
		if got := f.run(shell("echo alive")).stdout.String(); got != "alive\n" {
			t.Fatalf("the neighbour said %q", got)
		}
	}
	list, err := f.List(f.ctx, connect.NewRequest(&processv1.ListRequest{}))
	if err != nil || len(list.Msg.GetProcesses()) != 1 || list.Msg.GetProcesses()[0].GetPid() != pid {
		t.Fatalf("it should still run, blocked in its output: %v %v", list, err)
	}
	got := f.rest(s)
	made, err := os.ReadFile(filepath.Join(f.ids.Current().Workdir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	if got.stdout.Len() != size || sha256.Sum256(got.stdout.Bytes()) != sha256.Sum256(made) {
		t.Errorf("%d bytes came, not the %d that were printed", got.stdout.Len(), size)
	}
}

func TestEveryReaderGetsEverything(t *testing.T) {
	f := newFixture(t)
	request := shell(`read go; head -c 3000000 /dev/urandom | tee data; echo done >&2`)
	request.Stdin, request.Tag = proto.Bool(true), proto.String("many")
	first, _, _ := f.begin(request)
	second := f.attach(byTag("many"))
	if _, err := f.SendInput(f.ctx, connect.NewRequest(&processv1.SendInputRequest{Process: byTag("many"), Input: stdinOf("go\n")})); err != nil {
		t.Fatal(err)
	}
	results := make(chan *result)
	go func() { results <- f.rest(second) }()
	one, two := f.rest(first), <-results
	if one.stdout.Len() != 3000000 || !bytes.Equal(one.stdout.Bytes(), two.stdout.Bytes()) || two.stderr.String() != "done\n" {
		t.Errorf("%d and %d bytes, stderr %q", one.stdout.Len(), two.stdout.Len(), two.stderr.String())
	}
}

// A process whose only reader left runs on unhindered; the next one gets the tail and the end.
func TestAClientThatLeavesDoesNotEndIt(t *testing.T) {
	f := newFixture(t)
	request := shell(`echo before; read go; head -c 20000000 /dev/zero; printf tail; exit 7`)
	request.Stdin = proto.Bool(true)
	s, pid, leave := f.begin(request)
	s.Receive()
	leave()
	for s.Receive() {
	}
	if _, err := f.SendInput(f.ctx, connect.NewRequest(&processv1.SendInputRequest{Process: byPid(pid), Input: stdinOf("go\n")})); err != nil {
		t.Fatal(err)
	}
	got := f.rest(f.attach(byPid(pid)))
	if !strings.HasSuffix(got.stdout.String(), "\x00tail") || got.end.GetExitCode() != 7 {
		t.Errorf("%d bytes, end %v", got.stdout.Len(), got.end)
	}
	again, err := f.Connect(f.ctx, connect.NewRequest(&processv1.ConnectRequest{Process: byPid(pid)}))
	if err == nil {
		again.Receive()
		err = again.Err()
	}
	if connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("the end was told twice: %v", err)
	}
}

func TestDescendantsDoNotHoldUpTheEnd(t *testing.T) {
	for name, script := range map[string]string{
		"a silent one":              `sleep 1000 & echo $!`,
		"one that never stops":      `yes >&2 & echo $!`,
		"one that leaves the group": `setsid sleep 1000 & echo $!`,
	} {
		t.Run(name, func(t *testing.T) {
			got := newFixture(t).run(shell(script))
			descendant, err := strconv.Atoi(strings.TrimSpace(got.stdout.String()))
			if err != nil {
				t.Fatal(err)
			}
			if err := unix.Kill(descendant, unix.SIGKILL); err != nil {
				t.Errorf("the descendant did not live on: %v", err)
			}
		})
	}
}

func TestTheDeadlineKillsAlsoWithoutTheClient(t *testing.T) {
	f := newFixture(t)
	request := shell(`sleep 1000`)
	request.Tag = proto.String("limited")
	ctx, cancel := context.WithTimeout(f.ctx, 5*time.Second)
	defer cancel()
	s, err := f.Start(ctx, connect.NewRequest(request))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f.started(startStream{s})
	cancel() // hangs up long before
	if end := f.rest(f.attach(byTag("limited"))).end; end.GetSignal() != processv1.Signal_SIGNAL_SIGKILL {
		t.Errorf("end %v", end)
	}
}

func TestSignalsReachTheWholeGroup(t *testing.T) {
	f := newFixture(t)
	s, pid, _ := f.begin(shell(`sleep 1000 & echo $!; wait`))
	s.Receive()
	child, err := strconv.Atoi(strings.TrimSpace(string(s.event().GetData().GetStdout())))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.SendSignal(f.ctx, connect.NewRequest(&processv1.SendSignalRequest{Process: byPid(pid), Signal: processv1.Signal_SIGNAL_SIGTERM})); err != nil {
		t.Fatal(err)
	}
	f.rest(s)
	// Signalled with its leader, it may take a moment longer to end.
	for f.ctx.Err() == nil {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child))
		if err != nil || strings.Contains(string(state), ") Z ") {
			break
		}
		runtime.Gosched()
	}
	if f.ctx.Err() != nil {
		t.Error("the child lives")
	}
	for _, bad := range []struct {
		signal processv1.Signal
		code   connect.Code
		on     *processv1.ProcessSelector
	}{
		{processv1.Signal_SIGNAL_SIGKILL, connect.CodeNotFound, byPid(pid)},
		{processv1.Signal_SIGNAL_SIGKILL, connect.CodeInvalidArgument, nil},
	} {
		_, err := f.SendSignal(f.ctx, connect.NewRequest(&processv1.SendSignalRequest{Process: bad.on, Signal: bad.signal}))
		if connect.CodeOf(err) != bad.code {
			t.Errorf("%v, want %v", err, bad.code)
		}
	}
}

func TestATagMeansTheNewest(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"old", "new"} {
		request := shell(`read go; echo ` + name)
		request.Stdin, request.Tag = proto.Bool(true), proto.String("same")
		f.begin(request)
	}
	s := f.attach(byTag("same"))
	if _, err := f.CloseStdin(f.ctx, connect.NewRequest(&processv1.CloseStdinRequest{Process: byTag("same")})); err != nil {
		t.Fatal(err)
	}
	if got := f.rest(s).stdout.String(); got != "new\n" {
		t.Errorf("got %q", got)
	}
	if _, err := f.SendSignal(f.ctx, connect.NewRequest(&processv1.SendSignalRequest{Process: byTag("same"), Signal: processv1.Signal_SIGNAL_SIGKILL})); err != nil {
		t.Errorf("the old one is not found any more: %v", err)
	}
}

func TestKeepalive(t *testing.T) {
	s, _, _ := newFixture(t).begin(shell(`sleep 1000`), "Keepalive-Ping-Interval", "1")
	if !s.Receive() || s.event().GetKeepalive() == nil {
		t.Errorf("got %v %v", s.event(), s.Err())
	}
}

func TestStreamedInput(t *testing.T) {
	f := newFixture(t)
	data := bytes.Repeat([]byte("0123456789abcdef"), 256<<10)
	s, pid, _ := f.begin(&processv1.StartRequest{Process: &processv1.ProcessConfig{Cmd: "cat"}})
	sent := make(chan error, 1)
	go func() {
		in := f.StreamInput(f.ctx)
		err := in.Send(&processv1.StreamInputRequest{Event: &processv1.StreamInputRequest_Start{Start: &processv1.StreamInputRequest_StartEvent{Process: byPid(pid)}}})
		for from := 0; err == nil && from < len(data); from += 100_000 {
			err = in.Send(dataOf(data[from:min(len(data), from+100_000)]))
		}
		if err == nil {
			_, err = in.CloseAndReceive()
		}
		if err == nil {
			_, err = f.CloseStdin(f.ctx, connect.NewRequest(&processv1.CloseStdinRequest{Process: byPid(pid)}))
		}
		sent <- err
	}()
	got := f.rest(s)
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.stdout.Bytes(), data) {
		t.Errorf("%d of %d bytes came back", got.stdout.Len(), len(data))
	}
	if _, err := f.SendInput(f.ctx, connect.NewRequest(&processv1.SendInputRequest{Process: byPid(pid), Input: stdinOf("x")})); connect.CodeOf(err) != connect.CodeNotFound {
		t.Errorf("input for an ended process: %v", err)
	}
}

func TestStreamedInputMustSelectFirst(t *testing.T) {
	f := newFixture(t)
	in := f.StreamInput(f.ctx)
	_ = in.Send(dataOf([]byte("x"))) // io.EOF when the refusal was quicker
	if _, err := in.CloseAndReceive(); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("got %v", err)
	}
}

// A process that does not read its input makes the sender wait; giving up leaves process and service as they were.
func TestInputThatNobodyReads(t *testing.T) {
	f := newFixture(t)
	s, pid, _ := f.begin(&processv1.StartRequest{Process: &processv1.ProcessConfig{Cmd: "sleep", Args: []string{"1000"}}})
	ctx, cancel := context.WithTimeout(f.ctx, 200*time.Millisecond)
	defer cancel()
	_, err := f.SendInput(ctx, connect.NewRequest(&processv1.SendInputRequest{Process: byPid(pid), Input: stdinOf(strings.Repeat("x", 1<<20))}))
	if connect.CodeOf(err) != connect.CodeDeadlineExceeded {
		t.Errorf("got %v", err)
	}
	if _, err := f.CloseStdin(f.ctx, connect.NewRequest(&processv1.CloseStdinRequest{Process: byPid(pid)})); err != nil {
		t.Errorf("close after that: %v", err)
	}
	if _, err := f.SendInput(f.ctx, connect.NewRequest(&processv1.SendInputRequest{Process: byPid(pid), Input: stdinOf("x")})); connect.CodeOf(err) != connect.CodeFailedPrecondition {
		t.Errorf("input after close: %v", err)
	}
	if _, err := f.SendSignal(f.ctx, connect.NewRequest(&processv1.SendSignalRequest{Process: byPid(pid), Signal: processv1.Signal_SIGNAL_SIGKILL})); err != nil {
		t.Error(err)
	}
	f.rest(s)
}

func TestTerminal(t *testing.T) {
	f := newFixture(t)
	size := &processv1.PTY{Size: &processv1.PTY_Size{Cols: 91, Rows: 33}}
	request := shell(`test -t 0 && test -t 1 && test -t 2 && echo terminal; stty size; trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.05; done`)
	request.Pty = size
	s, pid, _ := f.begin(request)
	var seen bytes.Buffer
	for !strings.Contains(seen.String(), "ready\r\n") && s.Receive() {
		seen.Write(s.event().GetData().GetPty())
	}
	if seen.String() != "terminal\r\n33 91\r\nready\r\n" {
		t.Fatalf("got %q", seen.String())
	}
	_, err := f.Update(f.ctx, connect.NewRequest(&processv1.UpdateRequest{Process: byPid(pid), Pty: &processv1.PTY{Size: &processv1.PTY_Size{Cols: 80, Rows: 25}}}))
	if err != nil {
		t.Fatal(err)
	}
	got := f.rest(s)
	if got.pty.String() != "25 80\r\n" || got.end.GetExitCode() != 5 {
		t.Errorf("got %q, %v", got.pty.String(), got.end)
	}
}

func TestTerminalInput(t *testing.T) {
	f := newFixture(t)
	s, pid, _ := f.begin(&processv1.StartRequest{Process: &processv1.ProcessConfig{Cmd: "cat"}, Pty: &processv1.PTY{}})
	if _, err := f.SendInput(f.ctx, connect.NewRequest(&processv1.SendInputRequest{Process: byPid(pid), Input: stdinOf("x")})); connect.CodeOf(err) != connect.CodeInvalidArgument {
		t.Errorf("stdin for a terminal: %v", err)
	}
	line := &processv1.ProcessInput{Input: &processv1.ProcessInput_Pty{Pty: []byte("hello\n")}}
	if _, err := f.SendInput(f.ctx, connect.NewRequest(&processv1.SendInputRequest{Process: byPid(pid), Input: line})); err != nil {
		t.Fatal(err)
	}
	if _, err := f.CloseStdin(f.ctx, connect.NewRequest(&processv1.CloseStdinRequest{Process: byPid(pid)})); err != nil {
		t.Fatal(err)
	}
	if got := f.rest(s); got.pty.String() != "hello\r\nhello\r\n" || got.end.GetExitCode() != 0 {
		t.Errorf("got %q %v", got.pty.String(), got.end)
	}
}

func stdinOf(text string) *processv1.ProcessInput {
	return &processv1.ProcessInput{Input: &processv1.ProcessInput_Stdin{Stdin: []byte(text)}}
}

func dataOf(data []byte) *processv1.StreamInputRequest {
	return &processv1.StreamInputRequest{Event: &processv1.StreamInputRequest_Data{Data: &processv1.StreamInputRequest_DataEvent{
		Input: &processv1.ProcessInput{Input: &processv1.ProcessInput_Stdin{Stdin: data}}}}}
}
