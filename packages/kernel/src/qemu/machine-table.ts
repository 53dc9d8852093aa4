/**
 * All that differs between the machines QEMU can run on: one row each. Only linux/x64 has been tested; the others are what QEMU's
 * documentation says, there so that nothing else has to change.
 */
export interface MachineRow {
  /** The accelerator that gives a kernel hardware isolation, and the device behind it. Undefined where there is none. */
  readonly hardware: { readonly accelerator: 'kvm' | 'hvf'; readonly device?: string } | undefined
  /** `-machine`, without memory and accelerator. Versioned, so that a snapshot finds the same devices after an update of QEMU. */
  readonly machine: string
  /** `-cpu` with the hardware accelerator, and without. */
  readonly cpu: { readonly hardware: string; readonly emulated: string }
  /** Kernel command line of the console and of what the firmware would otherwise be asked for. */
  readonly kernelArguments: readonly string[]
  /** Besides, without the hardware accelerator. */
  readonly emulatedKernelArguments: readonly string[]
  /** Where the firmware QEMU loads is, as installed by the distribution; those that are missing are left out. */
  readonly firmware: readonly string[]
  /** Devices of the machine itself. */
  readonly devices: readonly string[]
}

const x86: Omit<MachineRow, 'hardware'> = {
  machine: 'pc-q35-8.2,hpet=off,vmport=off,smbus=off,sata=off,usb=off,graphics=off',
  cpu: { hardware: 'host', emulated: 'max,la57=off' },
  kernelArguments: ['console=ttyS0', 'no_timer_check', 'reboot=t', 'i8042.noaux', '8250.nr_uarts=1'],
  // What the guest's kernel does against leaks of a processor that is not there costs an emulator a good part of its time.
  emulatedKernelArguments: ['mitigations=off'],
  firmware: ['/usr/share/qemu', '/usr/share/seabios'],
  // The kernel tells the host of its panic by this device; without its driver the serial line's last words do.
  devices: ['pvpanic-pci'],
}

const arm64: Omit<MachineRow, 'hardware'> = {
  machine: 'virt-8.2,gic-version=max,highmem=on',
  cpu: { hardware: 'host', emulated: 'max' },
  kernelArguments: ['console=ttyAMA0'],
  emulatedKernelArguments: ['mitigations=off'],
  firmware: ['/usr/share/qemu', '/usr/share/AAVMF'],
  devices: ['pvpanic-pci'],
}

const kvm = { accelerator: 'kvm', device: '/dev/kvm' } as const
const hvf = { accelerator: 'hvf' } as const

const rows: Readonly<Record<string, MachineRow>> = {
  'linux/x64': { ...x86, hardware: kvm },
  'linux/arm64': { ...arm64, hardware: kvm },
  'darwin/x64': { ...x86, hardware: hvf, firmware: [] },
  'darwin/arm64': { ...arm64, hardware: hvf, firmware: [] },
}

/** The row of this machine, or undefined when QEMU kernels are not made for it. */
export const machineRow = (platform: string = process.platform, arch: string = process.arch): MachineRow | undefined =>
  rows[`${platform}/${arch}`]
