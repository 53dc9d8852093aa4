package main

import (
	"errors"
	"io"
	"os"
)

// install copies this program, so that a container of any image can run it.
func install(arguments []string) (err error) {
	if len(arguments) != 2 || arguments[1] == "" {
		return errors.New("usage: agent install PATH")
	}
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(arguments[1], os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	// Whoever the image runs as may read and execute it, whatever the umask.
	return errors.Join(err, to.Chmod(0o755), to.Close())
}
