package holder

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// enter runs a shell script behind Enter and returns what it printed.
func enter(t *testing.T, script string, environment ...string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: only it can become another user")
	}
	program := exec.Command("/proc/self/exe", "", "sh", "-c", script)
	program.Env = append(os.Environ(), append(environment, "HOLDER_TEST=enter")...)
	output, err := program.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return strings.TrimSpace(string(output))
}

func TestEnterDropsEveryRight(t *testing.T) {
	status := enter(t, "grep -E '^(Uid|Gid|Groups|Cap.*|NoNewPrivs):' /proc/self/status | tr -d ' \\t'", "HOLDER_TEST_USER=71234")
	want := strings.Join([]string{
		"Uid:71234712347123471234",
		"Gid:71234712347123471234",
		"Groups:",
		"CapInh:0000000000000000",
		"CapPrm:0000000000000000",
		"CapEff:0000000000000000",
		"CapBnd:0000000000000000",
		"CapAmb:0000000000000000",
		"NoNewPrivs:1",
	}, "\n")
	if status != want {
		t.Errorf("got\n%s\nwant\n%s", status, want)
	}
}

func TestEnterBoundsFilesAndCores(t *testing.T) {
	// ulimit -f counts in blocks of 512 bytes.
	if got := enter(t, "ulimit -c; ulimit -f", "HOLDER_TEST_BYTES=1048576"); got != "0\n2048" {
		t.Errorf("got %q", got)
	}
}

// To the system -1 is "leave it": the program would run as root.
func TestEnterBecomesNobodyByANegativeNumber(t *testing.T) {
	if err := Enter(Entry{User: -1, Command: []string{"/nonexistent"}}); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestEnterKeepsRightsWhenNotAskedToDrop(t *testing.T) {
	if got := enter(t, "id -u; ulimit -f"); got != "0\nunlimited" {
		t.Errorf("got %q", got)
	}
}

func TestEnterKeepsDescriptorsBack(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	program := exec.Command("/proc/self/exe", "", "sh", "-c", "for fd in 3 4; do [ -e /proc/self/fd/$fd ] && echo $fd; done; true")
	program.Env = append(os.Environ(), "HOLDER_TEST=enter", "HOLDER_TEST_DESCRIPTORS=4")
	program.ExtraFiles = []*os.File{read, write} // 3 is handed on, 4 is not
	output, err := program.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	if got := strings.TrimSpace(string(output)); got != "3" {
		t.Errorf("descriptors handed on: %q", got)
	}
}
