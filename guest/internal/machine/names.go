package machine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// maxHostsBytes bounds what of /etc/hosts is kept when the own name in it changes.
const maxHostsBytes = 1 << 20

// NamesFolder is where, on Linux, the files in /etc that change with each identity really lie: in memory, bound over /etc at boot. Written
// on the disk they would cost a clone a third of its start.
const NamesFolder = "/run/bulkhead/names"

// Names are the files' names, in /etc and in NamesFolder, with the modes they have.
var Names = map[string]os.FileMode{"hostname": 0o644, "hosts": 0o644, "machine-id": 0o444}

// SetNames sets the host name in the kernel, /etc/hostname and /etc/hosts, and the machine id in /etc/machine-id. It does as much as it
// can and joins the errors.
func (m *Machine) SetNames(hostname, machineID string) error {
	switch m.kind {
	case Host:
		return nil // these are the host's
	case Pod:
		// The host name is the Pod's, and what tells it is mounted from outside.
		return m.setName("machine-id", []byte(machineID+"\n"))
	}
	return errors.Join(
		label("sethostname", unix.Sethostname([]byte(hostname))),
		m.setName("hostname", []byte(hostname+"\n")),
		m.setName("machine-id", []byte(machineID+"\n")),
		m.setOwnHost(hostname),
	)
}

// setOwnHost leaves a file alone that it cannot read: what else stands in it must not be lost.
func (m *Machine) setOwnHost(hostname string) error {
	hosts, err := readBounded("/etc/hosts", maxHostsBytes)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return m.setName("hosts", withOwnHost(hosts, hostname))
}

func (m *Machine) setName(name string, content []byte) error {
	if m.kind == Linux {
		err := overwriteFile(filepath.Join(NamesFolder, name), content)
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return replaceFile(filepath.Join("/etc", name), content, Names[name])
}

// ownAddress is Debian's for a host name without an address of its own; without it sudo waits for a resolver.
const ownAddress = "127.0.1.1"

// withOwnHost replaces the line of the own address, or adds it.
func withOwnHost(hosts []byte, hostname string) []byte {
	var kept [][]byte
	for line := range bytes.Lines(hosts) {
		if fields := bytes.Fields(line); len(fields) > 0 && string(fields[0]) == ownAddress {
			continue
		}
		kept = append(kept, bytes.TrimRight(line, "\n"))
	}
	kept = append(kept, []byte(ownAddress+"\t"+hostname), nil)
	return bytes.Join(kept, []byte("\n"))
}

// readBounded reads a regular file of at most limit bytes. It does not block on what else may stand there.
func readBounded(path string, limit int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s is no regular file of at most %d bytes", path, limit)
	}
	return io.ReadAll(io.LimitReader(file, limit))
}

// replaceFile puts content at path as a whole or not at all. What stood there may be anything: it is neither opened nor followed.
func replaceFile(path string, content []byte, mode os.FileMode) (err error) {
	next, err := os.CreateTemp(filepath.Dir(path), ".bulkhead-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(next.Name()))
		}
	}()
	_, err = next.Write(content)
	err = errors.Join(err, next.Chmod(mode), next.Close())
	if err != nil {
		return err
	}
	return os.Rename(next.Name(), path)
}

// overwriteFile writes into the file that is there: what is bound over another file cannot be replaced. It follows no link.
func overwriteFile(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Close())
}

func label(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
