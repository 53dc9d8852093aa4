// Package boot turns a kernel that has just started into a machine with a root file system, and ends it again.
//
// # Layout of the initrd (QEMU)
//
// An uncompressed newc cpio archive with
//
//	/init              the agent
//	/modules/load      names of files in /modules, one a line, in the order in which they are loaded; may be empty
//	/modules/NAME      kernel modules, decompressed (finit_module takes them as they are)
//
// The modules of Debian's cloud kernel that are needed: virtio_ring, virtio, virtio_pci_legacy_dev, virtio_pci_modern_dev, virtio_pci,
// virtio_console, virtio_blk, rng-core (where it is one), virtio-rng, libcrc32c, erofs, overlay, and crc16, crc32c_generic, mbcache, jbd2,
// ext4. A module that the kernel has built in is left out.
//
// # What the VMM gives (QEMU)
//
//	kernel command line   bulkhead.key=<32 hex>, the first channel key; rdinit=/init
//	virtio-serial port    named dev.bulkhead.channel
//	virtio-blk disks      by serial: "root", EROFS, read-only; "disk", ext4, the writable layer
//
// # What gVisor gives
//
// A root file system with proc, sysfs, devpts and tmpfs mounted; BULKHEAD_CHANNEL_KEY in the environment; the channel as descriptor 0.
package boot

import (
	"fmt"

	"bulkhead.dev/guest/internal/machine"
)

// step is a part of the way from a bare kernel to a machine.
type step struct {
	name string
	// on says for which kernels it is needed.
	on   kinds
	take func(b *booted) error
}

type kinds []machine.Kind

var (
	onLinux  = kinds{machine.Linux}
	onGVisor = kinds{machine.GVisor}
	onBoth   = kinds{machine.Linux, machine.GVisor}
)

// booted is what steps leave for later ones, and for the power-off.
type booted struct {
	kind machine.Kind
	// disk holds the writable layer's mount, which has no path any more once the root is switched.
	disk *mountHandle
}

// steps are taken in order. A failure powers the machine off, with its reason on the console.
var steps = []step{
	{"early mounts", onLinux, mountAll(earlyMounts)},
	{"kernel modules", onLinux, loadModules},
	{"root file system", onLinux, mountRoot},
	{"switch to the root file system", onLinux, switchRoot},
	{"mounts", onLinux, mountAll(lateMounts)},
	{"temporary files on the disk", onGVisor, uncoverTmp},
	{"folders", onBoth, makeFolders},
	{"device links", onBoth, linkDevices},
	{"defaults in /etc", onBoth, writeDefaults},
	{"names in /etc", onLinux, bindNames},
	{"loopback", onLinux, raiseLoopback}, // gVisor's is up
	{"descriptor limit", onBoth, raiseDescriptorLimit},
	{"protection from the OOM killer", onLinux, protectFromOOM},
	{"cgroup of the workload", onLinux, limitWorkload},
}

// Machine is a booted machine.
type Machine struct{ state booted }

// Boot takes all steps that kind needs. The error names the step.
func Boot(kind machine.Kind) (*Machine, error) {
	m := &Machine{state: booted{kind: kind}}
	for _, s := range steps {
		if !s.on.include(kind) {
			continue
		}
		if err := s.take(&m.state); err != nil {
			return m, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return m, nil
}

func (k kinds) include(kind machine.Kind) bool {
	for _, one := range k {
		if one == kind {
			return true
		}
	}
	return false
}
