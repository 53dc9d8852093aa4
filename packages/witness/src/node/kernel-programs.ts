import { basename } from 'node:path'
import type { IsolationClass } from '@bulkhead/wire'

/** A program that a pod's kernel of its own is, or has around it. */
export interface KernelProgram {
  readonly pattern: RegExp
  /** What it is the kernel, or the virtual machine monitor, of. Absent: it only helps one. */
  readonly kernel?: 'gvisor' | 'virtual-machine'
}

/** By the names of their files. A name alone proves nothing: the file has to be the node's own, see `NodeProcesses`. */
const kernelPrograms: readonly KernelProgram[] = [
  { pattern: /^runsc$/, kernel: 'gvisor' },
  { pattern: /^qemu-system-[a-z0-9_]+$/, kernel: 'virtual-machine' },
  { pattern: /^qemu-(kvm|lite)$/, kernel: 'virtual-machine' },
  { pattern: /^cloud-hypervisor(-static)?$/, kernel: 'virtual-machine' },
  { pattern: /^firecracker$/, kernel: 'virtual-machine' },
  // Kata's shim, which in its Rust edition is the virtual machine monitor, too (Dragonball).
  { pattern: /^containerd-shim-kata(-[a-z0-9]+)*-v2$/, kernel: 'virtual-machine' },
  // What Kata keeps beside its virtual machine.
  { pattern: /^virtiofsd$/ },
  { pattern: /^jailer$/ },
]

/** `executable`: a path. Undefined: no such program. */
export const kernelProgram = (executable: string): KernelProgram | undefined =>
  kernelPrograms.find(({ pattern }) => pattern.test(basename(executable)))

/** What a kernel program gives: without the processor's help a virtual machine is no security boundary. */
export function classOf({ kernel }: KernelProgram, opensKvm: () => boolean): IsolationClass | undefined {
  if (kernel === 'gvisor') return 'userspace'
  return kernel && (opensKvm() ? 'hardware' : 'emulated')
}
