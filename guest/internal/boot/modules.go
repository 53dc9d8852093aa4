package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const modulesFolder = "/modules"

// loadModules loads the files that /modules/load names, in its order, and then gives their memory back: the initrd is RAM.
func loadModules(*booted) error {
	list, err := os.ReadFile(filepath.Join(modulesFolder, "load"))
	if errors.Is(err, os.ErrNotExist) {
		return nil // a kernel with everything built in
	}
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(string(list)) {
		if err := loadModule(filepath.Join(modulesFolder, name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return os.RemoveAll(modulesFolder)
}

func loadModule(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	err = unix.FinitModule(int(file.Fd()), "", 0)
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}
