import type { Command } from '../confine/confined-command.ts'
import type { KernelSpec } from '../contract.ts'
import type { GvisorOptions } from './gvisor-options.ts'
import type { RunFolder } from './run-folder.ts'
import { type RunscOptions, runscCommand } from './runsc-command.ts'

const GiB = 1024 * 1024 * 1024

/** runsc for one kernel, with that kernel's user and flags. */
export class Runsc {
  readonly options: RunscOptions

  constructor({ runsc, holder }: GvisorOptions, folder: RunFolder, spec: KernelSpec) {
    this.options = {
      runsc,
      holder,
      folder,
      stateDirectory: spec.stateDirectory,
      uid: process.getuid?.() === 0 ? spec.uid : undefined,
      // The sentry makes its two files, memory and disk, grow by whole GiB, most of it holes, and is one ahead.
      maxFileBytes: Math.max(spec.diskBytes, spec.memoryBytes) + 2 * GiB,
    }
  }

  /** What starts a kernel: `verb` with its flags, and further ones of runsc itself. */
  start(cgroups: readonly string[], flags: readonly string[], args: readonly string[]): Command {
    return runscCommand(this.options, cgroups, flags, args)
  }

  /** A short command about the running kernel. It runs outside its cgroup, which may have no room left. */
  command(args: readonly string[]): Command {
    return runscCommand(this.options, [], [], args)
  }
}
