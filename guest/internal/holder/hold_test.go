package holder

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestMain: the holder's own process, for what signals and exec do.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("HOLDER_TEST") == "enter":
		user, _ := strconv.Atoi(os.Getenv("HOLDER_TEST_USER"))
		bytes, _ := strconv.ParseUint(os.Getenv("HOLDER_TEST_BYTES"), 10, 64)
		descriptors, _ := strconv.Atoi(os.Getenv("HOLDER_TEST_DESCRIPTORS"))
		cgroups := strings.FieldsFunc(os.Args[1], func(r rune) bool { return r == ',' })
		fail(Enter(Entry{Cgroups: cgroups, User: user, MaxFileBytes: bytes, Descriptors: descriptors, Command: os.Args[2:]}))
	case os.Getenv("HOLDER_TEST") == "hold":
		user, _ := strconv.Atoi(os.Getenv("HOLDER_TEST_USER"))
		fail(Hold(Options{Listen: os.Args[1], Control: os.Args[2], Log: os.Args[3], User: user, Command: os.Args[4:]}))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func fail(err error) {
	if err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
}

type held struct {
	folder  string
	process *exec.Cmd
	stderr  bytes.Buffer
	control *bufio.Reader
}

func (h *held) path(name string) string { return filepath.Join(h.folder, name) }

// start runs `holder hold` around a shell script and returns once it has started it.
func start(t *testing.T, script string, environment ...string) *held {
	t.Helper()
	h := &held{folder: t.TempDir()}
	ready, started, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// The pipe is inherited by the program, too: it says that it runs.
	h.process = exec.Command(os.Args[0], h.path("stream"), h.path("control"), h.path("log"), "/bin/sh", "-c", "echo >&3; exec 3>&-; "+script)
	h.process.Env = append(os.Environ(), append(environment, "HOLDER_TEST=hold")...)
	h.process.Stderr = &h.stderr
	h.process.ExtraFiles = []*os.File{started}
	if err := h.process.Start(); err != nil {
		t.Fatal(err)
	}
	started.Close()
	t.Cleanup(func() {
		_ = h.process.Process.Kill()
		_ = h.process.Wait()
		ready.Close()
	})
	if _, err := ready.Read(make([]byte, 1)); err != nil {
		t.Fatalf("%v; %s", err, h.stderr.String())
	}
	control := h.dial(t, "control")
	h.control = bufio.NewReader(control)
	if line := h.line(t); !strings.HasPrefix(line, `{"pid":`) {
		t.Fatalf("the first line is %q", line)
	}
	return h
}

func (h *held) line(t *testing.T) string {
	t.Helper()
	line, err := h.control.ReadString('\n')
	if err != nil {
		t.Fatalf("control: %v; %s", err, h.stderr.String())
	}
	return strings.TrimSpace(line)
}

// dial connects once the socket is there; it appears when it listens.
func (h *held) dial(t *testing.T, name string) net.Conn {
	t.Helper()
	for {
		conn, err := net.Dial("unix", h.path(name))
		if errors.Is(err, os.ErrNotExist) && h.process.Process.Signal(syscall.Signal(0)) == nil {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
}

func echo(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != text {
		t.Fatalf("sent %d bytes, got %d other ones, %v", len(text), len(got), err)
	}
}

func TestStreamOutlivesItsConnections(t *testing.T) {
	h := start(t, "exec cat <&0 >&0")
	big := strings.Repeat("0123456789abcdef", 1<<16)
	first := h.dial(t, "stream")
	echo(t, first, "one")
	second := h.dial(t, "stream")
	echo(t, second, big)
	// The second ended the first.
	if n, err := first.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the first connection still reads: %d, %v", n, err)
	}
	second.Close()
	for range 50 {
		next := h.dial(t, "stream")
		echo(t, next, "again")
		next.Close()
	}
}

// A connection that does not read must not keep the next one out.
func TestConnectionThatDoesNotReadIsReplaced(t *testing.T) {
	h := start(t, "head -c 100000000 /dev/zero >&0; exec cat <&0 >&0")
	stuck := h.dial(t, "stream")
	next := h.dial(t, "stream")
	if _, err := io.WriteString(next, "x"); err != nil {
		t.Fatal(err)
	}
	for buffer := make([]byte, 1<<16); ; {
		n, err := next.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(buffer[:n], 'x') >= 0 {
			break
		}
	}
	if _, err := io.Copy(io.Discard, stuck); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
}

func TestControlTellsTheEnd(t *testing.T) {
	for _, c := range []struct{ script, end string }{
		{"read line; exit 7", `{"exitCode":7}`},
		{"read line; kill -9 $$", `{"signal":"SIGKILL"}`},
	} {
		h := start(t, c.script)
		stream := h.dial(t, "stream")
		if _, err := io.WriteString(stream, "go\n"); err != nil {
			t.Fatal(err)
		}
		if line := h.line(t); line != c.end {
			t.Errorf("%q: control said %q", c.script, line)
		}
		if _, err := h.control.ReadString('\n'); err != io.EOF {
			t.Errorf("after the end: %v", err)
		}
		if err := h.process.Wait(); err != nil {
			t.Errorf("the holder: %v; %s", err, h.stderr.String())
		}
		for _, name := range []string{"stream", "control"} {
			if _, err := os.Lstat(h.path(name)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is left over: %v", name, err)
			}
		}
	}
}

func TestLastWordsGetOut(t *testing.T) {
	h := start(t, "read line; head -c 150000 /dev/zero >&0; echo done >&0")
	stream := h.dial(t, "stream")
	if _, err := io.WriteString(stream, "go\n"); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(stream)
	if err != nil || len(got) != 150000+len("done\n") {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestSignalIsPassedOn(t *testing.T) {
	h := start(t, "trap 'exit 9' TERM; echo ready >&0; while :; do read line || exit 8; done")
	stream := h.dial(t, "stream")
	if _, err := io.ReadFull(stream, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	if err := h.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// A line, so that a shell that waits in `read` looks at its trap.
	if _, err := io.WriteString(stream, "\n"); err != nil && !errors.Is(err, syscall.EPIPE) {
		t.Fatal(err)
	}
	if line := h.line(t); line != `{"exitCode":9}` {
		t.Errorf("control said %q", line)
	}
}

func TestLogIsBoundedAndNeverBlocks(t *testing.T) {
	h := start(t, "head -c 20000000 /dev/zero; echo unheard >&2")
	if line := h.line(t); line != `{"exitCode":0}` {
		t.Errorf("control said %q", line)
	}
	info, err := os.Stat(h.path("log"))
	if err != nil || info.Size() != maxLogBytes || info.Mode().Perm() != 0o600 {
		t.Errorf("the log: %v, %v", info, err)
	}
}

func TestHoldSaysWhatItCannotStart(t *testing.T) {
	folder := t.TempDir()
	err := Hold(Options{Listen: filepath.Join(folder, "s"), Control: filepath.Join(folder, "c"), Log: filepath.Join(folder, "l"), Command: []string{filepath.Join(folder, "no-such-program")}})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Lstat(filepath.Join(folder, "s")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the socket is left over")
	}
}

func TestEnterJoinsAndBecomesTheProgram(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	for _, folder := range []string{first, second} {
		if err := os.WriteFile(filepath.Join(folder, "cgroup.procs"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(os.Args[0], first+","+second, "sh", "-c", "echo $$")
	cmd.Env = append(os.Environ(), "HOLDER_TEST=enter")
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{first, second} {
		joined, err := os.ReadFile(filepath.Join(folder, "cgroup.procs"))
		if err != nil || string(joined) != strings.TrimSpace(string(output)) {
			t.Errorf("%q joined, %q ran, %v", joined, output, err)
		}
	}
}

func TestEnterNeverRunsOutsideTheCgroup(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "ran")
	cmd := exec.Command(os.Args[0], t.TempDir(), "touch", marker)
	cmd.Env = append(os.Environ(), "HOLDER_TEST=enter")
	if err := cmd.Run(); err == nil {
		t.Error("it succeeded without a cgroup")
	}
	if _, err := os.Stat(marker); !errors.Is(err, os.ErrNotExist) {
		t.Error("the program ran")
	}
}
