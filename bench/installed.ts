import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createGvisorRuntime, createQemuRuntime, type KernelRuntime } from '@bulkhead/kernel'
import type { Installation } from '../packages/cli/src/setup/installation.ts'

export function installation(): Installation {
  const file = process.env.BULKHEAD_TEST_INSTALLATION
  if (!file)
    throw new Error('BULKHEAD_TEST_INSTALLATION is not set: run ./bulkhead setup, and name its installation.json')
  return JSON.parse(readFileSync(file, 'utf8')) as Installation
}

/** gVisor's own way to run one command in a sandbox of its own: what a user has without Bulkhead. */
export const runscDo = (command: readonly string[]): [string, ...string[]] => [
  installation().runsc,
  '--network=none',
  '--platform=systrap',
  'do',
  ...command,
]

/** The runtimes alone, without engine and server, in places of their own. */
export interface BareRuntimes extends AsyncDisposable {
  readonly gvisor: KernelRuntime
  readonly qemu: KernelRuntime
  readonly folder: string
}

export async function bareRuntimes(): Promise<BareRuntimes> {
  const name = `bulkhead-bench-${process.pid}`
  const folder = mkdtempSync('/var/tmp/bulkhead-bench-')
  const runRoot = mkdtempSync('/run/bulkhead-bench-')
  const { chmodSync } = await import('node:fs')
  for (const made of [folder, runRoot]) chmodSync(made, 0o711)
  const options = { ...installation(), runRoot, cgroupRoot: name, cacheDirectory: folder }
  const [gvisor, qemu] = await Promise.all([createGvisorRuntime(options), createQemuRuntime(options)])
  return {
    gvisor,
    qemu,
    folder,
    async [Symbol.asyncDispose]() {
      await gvisor.sweep(new Set())
      await qemu.sweep(new Set())
      rmSync(runRoot, { recursive: true, force: true })
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
