package process

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"bulkhead.dev/guest/internal/fault"
	processv1 "bulkhead.dev/guest/internal/gen/process"
	"bulkhead.dev/guest/internal/identity"
	"bulkhead.dev/guest/internal/users"
)

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// newCommand makes what will be executed, without its standard streams. argv is used as it is: no shell sees it.
// Errors: not_found (no such command), permission_denied (not executable, a folder), invalid_argument (working directory, a NUL byte).
func newCommand(config *processv1.ProcessConfig, terminal bool, user *users.User, defaults identity.Identity) (*exec.Cmd, error) {
	environment, err := environmentOf(config.GetEnvs(), terminal, user, defaults.Env)
	if err != nil {
		return nil, err
	}
	for _, arg := range append([]string{config.GetCmd()}, config.GetArgs()...) {
		if strings.IndexByte(arg, 0) >= 0 {
			return nil, fault.New(connect.CodeInvalidArgument, "an argument cannot contain a NUL byte")
		}
	}
	folder, err := workingDirectory(config, user, defaults.Workdir)
	if err != nil {
		return nil, err
	}
	path, err := lookPath(config.GetCmd(), environment["PATH"], folder, user)
	if err != nil {
		return nil, err
	}
	cmd := &exec.Cmd{
		Path: path,
		Args: append([]string{config.GetCmd()}, config.GetArgs()...),
		Dir:  folder,
		// A session and process group of its own: signals reach all of it, and nothing else.
		SysProcAttr: &syscall.SysProcAttr{Setsid: true, Setctty: terminal},
	}
	for name, value := range environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	slices.Sort(cmd.Env)
	switch own := os.Geteuid(); {
	case own == 0:
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: user.UID, Gid: user.GID, Groups: user.Groups}
	case uint32(own) != user.UID:
		return nil, fault.New(connect.CodePermissionDenied, "the agent runs as uid %d and cannot start processes of %s", own, user.Name)
	}
	return cmd, nil
}

// environmentOf joins, later ones winning: what every process has, the sandbox's own, the request's.
func environmentOf(request map[string]string, terminal bool, user *users.User, sandbox map[string]string) (map[string]string, error) {
	all := map[string]string{
		"PATH": defaultPath, "HOME": user.Home, "USER": user.Name, "LOGNAME": user.Name, "SHELL": user.Shell,
	}
	if terminal {
		all["TERM"] = "xterm-256color"
	}
	for _, layer := range []map[string]string{sandbox, request} {
		for name, value := range layer {
			if name == "" || strings.ContainsAny(name, "=\x00") || strings.IndexByte(value, 0) >= 0 {
				return nil, fault.New(connect.CodeInvalidArgument, "the environment variable %q cannot be set: empty, or with = or NUL in it", name)
			}
			all[name] = value
		}
	}
	return all, nil
}

func workingDirectory(config *processv1.ProcessConfig, user *users.User, sandbox string) (string, error) {
	wanted := config.GetCwd()
	if wanted == "" {
		wanted = sandbox
	}
	folder, err := user.Resolve(wanted)
	if err != nil {
		return "", err
	}
	err = user.Act(func() error {
		info, err := os.Stat(folder)
		if err == nil && !info.IsDir() {
			return fault.New(connect.CodeInvalidArgument, "the working directory %s is not a folder", folder)
		}
		if err == nil {
			err = unix.Faccessat(unix.AT_FDCWD, folder, unix.X_OK, unix.AT_EACCESS)
		}
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fault.New(connect.CodeInvalidArgument, "the working directory %s does not exist", folder)
	case err != nil && fault.Code(err) == connect.CodePermissionDenied:
		return "", fault.New(connect.CodePermissionDenied, "%s may not enter the working directory %s", user.Name, folder)
	}
	return folder, err
}

// lookPath finds the file to execute as execvp(3) would: a name with a slash is a path from the working directory, others are looked for in
// PATH; the first that may be executed is it. With the user's rights.
func lookPath(name, searchPath, folder string, user *users.User) (string, error) {
	if name == "" {
		return "", fault.New(connect.CodeInvalidArgument, "the command is empty")
	}
	var candidates []string
	if strings.Contains(name, "/") {
		candidates = []string{absolute(folder, name)}
	} else {
		for _, place := range filepath.SplitList(searchPath) {
			candidates = append(candidates, filepath.Join(absolute(folder, place), name))
		}
	}
	var found string
	err := user.Act(func() error {
		var refused error
		for _, candidate := range candidates {
			err := executable(candidate)
			if err == nil {
				found = candidate
				return nil
			}
			if fault.Code(err) == connect.CodePermissionDenied && refused == nil {
				refused = err
			}
		}
		return refused
	})
	if err == nil && found == "" {
		err = fault.New(connect.CodeNotFound, "the command %q does not exist", name)
	}
	return found, err
}

// absolute is not filepath.Join: that would take "link/.." for nothing.
func absolute(folder, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return folder + "/" + path
}

func executable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fault.New(connect.CodePermissionDenied, "%s is a folder, not a command", path)
	}
	if err := unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS); err != nil || info.Mode()&0o111 == 0 {
		return fault.New(connect.CodePermissionDenied, "%s is not executable", path)
	}
	return nil
}

// startFault explains why the system did not execute a file that is there and executable.
func startFault(cmd *exec.Cmd, err error) error {
	switch {
	case errors.Is(err, unix.ENOEXEC):
		return fault.New(connect.CodePermissionDenied, "%s is not a program that this system can execute: wrong format, or no #! line", cmd.Path)
	case errors.Is(err, unix.ENOENT):
		return fault.New(connect.CodeNotFound, "the interpreter that %s asks for does not exist", cmd.Path)
	case errors.Is(err, unix.E2BIG):
		return fault.New(connect.CodeInvalidArgument, "arguments and environment are larger than the system takes")
	}
	return err
}
