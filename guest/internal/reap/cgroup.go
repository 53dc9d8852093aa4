package reap

import (
	"errors"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// cgroup is where processes start; nil: where this one is. Set before the first start.
var cgroup *os.File

// StartIn has all later starts put the process into a cgroup (v2), whose folder is given and kept. Not to be called once processes start.
func StartIn(folder *os.File) { cgroup = folder }

func startInCgroup(cmd *exec.Cmd) (*os.Process, error) {
	if cgroup == nil {
		err := cmd.Start()
		return cmd.Process, err
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// The folder's descriptor stays open as long as this process: CLONE_INTO_CGROUP leaves no moment outside.
	cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(cgroup.Fd())
	err := cmd.Start()
	if cannotHold(err) {
		// A Cmd starts once, also when it fails.
		outside := exec.Cmd{
			Path: cmd.Path, Args: cmd.Args, Env: cmd.Env, Dir: cmd.Dir, SysProcAttr: cmd.SysProcAttr,
			Stdin: cmd.Stdin, Stdout: cmd.Stdout, Stderr: cmd.Stderr, ExtraFiles: cmd.ExtraFiles,
		}
		outside.SysProcAttr.UseCgroupFD = false
		err := outside.Start()
		return outside.Process, err
	}
	return cmd.Process, err
}

// cannotHold: root in the guest has removed the cgroup, or made it one that holds no processes.
func cannotHold(err error) bool {
	switch {
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EOPNOTSUPP):
		return true
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENOENT): // ENOENT may be the program's, too
		return unix.Faccessat(int(cgroup.Fd()), "cgroup.procs", unix.F_OK, 0) != nil
	}
	return false
}
