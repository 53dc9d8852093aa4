package reap

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// asFirstProcess runs the named test again in a process that collects everything, as PID 1 does. The orphans it makes must be its
// own: it is their subreaper.
func asFirstProcess(t *testing.T) (inside bool) {
	t.Helper()
	if os.Getenv("REAP_TEST") == "1" {
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			t.Fatal(err)
		}
		shared = newReaper(true)
		return true
	}
	again := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), "REAP_TEST=1")
	if output, err := again.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return false
}

func TestEveryChildGetsItsOwnStatus(t *testing.T) {
	if !asFirstProcess(t) {
		return
	}
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 40 {
				wanted := (worker*40 + i) % 200
				// Some end before Start returns; each leaves an orphan that ends at about the same time.
				child, err := Start(exec.Command("/bin/sh", "-c", "(exec true) & exit "+strconv.Itoa(wanted)))
				if err != nil {
					t.Error(err)
					return
				}
				if status := child.Wait(); status.ExitStatus() != wanted {
					t.Errorf("status %d, wanted %d", status.ExitStatus(), wanted)
				}
				if err := child.Signal(unix.SIGKILL); !errors.Is(err, os.ErrProcessDone) {
					t.Errorf("a signal to what has ended: %v", err)
				}
			}
		})
	}
	all.Wait()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if len(shared.children) != 0 || len(shared.early) != 0 {
		t.Errorf("%d children and %d statuses are left over", len(shared.children), len(shared.early))
	}
}

// Root in the guest may remove the cgroup of the workload. Processes start nevertheless.
func TestStartWithoutItsCgroup(t *testing.T) {
	if !asFirstProcess(t) {
		return
	}
	mounted := t.TempDir()
	if err := unix.Mount("cgroup2", mounted, "cgroup2", 0, ""); err != nil {
		t.Skipf("needs to mount control groups: %v", err)
	}
	defer func() { _ = unix.Unmount(mounted, unix.MNT_DETACH) }()
	path, err := os.MkdirTemp(mounted, "reap")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.Open(path)
	if err == nil {
		defer folder.Close()
		err = os.Remove(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	StartIn(folder)
	defer StartIn(nil)
	child, err := Start(exec.Command("/bin/sh", "-c", "exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	if status := child.Wait(); status.ExitStatus() != 3 {
		t.Errorf("status %d", status.ExitStatus())
	}
}

func TestStartFailsWithoutAChild(t *testing.T) {
	if !asFirstProcess(t) {
		return
	}
	for range 50 {
		if _, err := Start(exec.Command("/nonexistent/program")); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("got %v", err)
		}
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(exec.Command(text)); !errors.Is(err, os.ErrPermission) {
		t.Fatalf("got %v", err)
	}
}

func TestOrphansAreCollected(t *testing.T) {
	if !asFirstProcess(t) {
		return
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// The orphan says its pid and ends when its input does.
	input, release, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// Not on standard input: the shell gives that away for what runs in the background.
	cmd := exec.Command("/bin/sh", "-c", `sh -c 'echo $$; read line <&3' &`)
	cmd.Stdout, cmd.ExtraFiles = write, []*os.File{input}
	child, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	child.Wait()
	line := make([]byte, 20)
	n, err := read.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	watched, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	release.Close()
	input.Close()
	// Readable once it has ended. A zombie could still be signalled; one that is collected cannot. Each further child's end makes
	// the reaper look again, so the wait has an end.
	if _, err := unix.Poll([]unix.PollFd{{Fd: int32(watched), Events: unix.POLLIN}}, -1); err != nil && !errors.Is(err, unix.EINTR) {
		t.Fatal(err)
	}
	for range 100 {
		next, err := Start(exec.Command("/bin/true"))
		if err != nil {
			t.Fatal(err)
		}
		next.Wait()
		if errors.Is(unix.PidfdSendSignal(watched, 0, nil, 0), unix.ESRCH) {
			return
		}
	}
	t.Error("the orphan is a zombie still")
}

func TestElsewhereOnlyOnesOwnIsWaitedFor(t *testing.T) {
	other := exec.Command("/bin/sh", "-c", "exit 3")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", "kill -9 $$")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	child, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if status := child.Wait(); status.Signal() != unix.SIGKILL {
		t.Errorf("status %v", status)
	}
	if err := child.SignalGroup(unix.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a signal to a group that has ended: %v", err)
	}
	if err := other.Wait(); other.ProcessState.ExitCode() != 3 {
		t.Errorf("another's status was taken: %v", err)
	}
}
