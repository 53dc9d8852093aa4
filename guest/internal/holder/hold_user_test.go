package holder

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const heldUser = "71234"

// asUser starts a holder that becomes another user, around a script that becomes it as well, by itself.
func asUser(t *testing.T, script string) *held {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: only it can become another user")
	}
	become := fmt.Sprintf("exec setpriv --reuid %s --regid %[1]s --clear-groups sh -c '%s'", heldUser, script)
	return start(t, become, "HOLDER_TEST_USER="+heldUser)
}

func TestHolderGivesUpItsRightsInEveryThread(t *testing.T) {
	h := asUser(t, "exec cat <&0 >&0")
	echo(t, h.dial(t, "stream"), "relayed")
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", h.process.Process.Pid))
	if err != nil || len(threads) < 2 {
		t.Fatalf("%d threads, %v", len(threads), err)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"Uid:\t71234\t71234\t71234\t71234\n", "Gid:\t71234\t71234\t71234\t71234\n", "Groups:\t \n", "NoNewPrivs:\t1\n",
			"CapInh:\t0000000000000000\n", "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n", "CapBnd:\t0000000000000000\n", "CapAmb:\t0000000000000000\n",
		} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s lacks %q:\n%s", thread, want, text)
			}
		}
	}
}

func TestHolderWithoutRightsSignalsLogsAndTellsTheEnd(t *testing.T) {
	h := asUser(t, `trap "echo last words; exit 9" TERM; echo ready >&0; while :; do read line || exit 8; done`)
	stream := h.dial(t, "stream")
	if _, err := io.ReadFull(stream, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	if err := h.process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// Lines, so that a shell that waits in `read` looks at its trap, until it has.
	go func() {
		for {
			if _, err := io.WriteString(stream, "\n"); err != nil {
				return
			}
		}
	}()
	if line := h.line(t); line != `{"exitCode":9}` {
		t.Errorf("control said %q", line)
	}
	if err := h.process.Wait(); err != nil {
		t.Errorf("the holder: %v; %s", err, h.stderr.String())
	}
	if log, err := os.ReadFile(h.path("log")); err != nil || !strings.Contains(string(log), "last words") {
		t.Errorf("the log: %q, %v", log, err)
	}
	// Its folder is root's: it can neither remove them nor be made to put others there. Nobody listens on them any more.
	for _, name := range []string{"stream", "control"} {
		if _, err := os.Lstat(h.path(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// To the system -1 is "leave it": it would stay root.
func TestHolderBecomesNobodyByANegativeNumber(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	if err := Hold(Options{Listen: at("s"), Control: at("c"), Log: at("l"), User: -1, Command: []string{"true"}}); err == nil {
		t.Error("it ran")
	}
}
