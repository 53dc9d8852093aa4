import { chmod, chown, mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KernelSnapshot, KernelSpec } from '../contract.ts'
import { runProgram } from './run-program.ts'
import type { Runsc } from './runsc.ts'
import { sealCheckpoint } from './seal-checkpoint.ts'

/** Within a snapshot's folder: runsc's files. */
export const checkpointFolder = (directory: string): string => join(directory, 'checkpoint')

/**
 * Has the sentry write its memory, files included, into `into`, and go on. The kernel's user has no way to that folder: it is handed an
 * open descriptor of the one below it, which is its own only while it writes. `into` stays closed to all but its owner: it holds the guest's memory.
 */
export async function takeCheckpoint(
  { runsc, spec, channelKey, into }: { runsc: Runsc; spec: KernelSpec; channelKey: string; into: string },
  signal: AbortSignal
): Promise<KernelSnapshot> {
  const folder = checkpointFolder(into)
  try {
    await chmod(into, 0o700)
    await mkdir(folder, { mode: 0o700 })
    const { uid } = runsc.options
    if (uid !== undefined) await chown(folder, uid, uid)
    await using descriptor = await open(folder, 'r')
    const flags = [
      '--leave-running',
      '--compression=none',
      '--exclude-committed-zero-pages',
      '--image-path=/proc/self/fd/3',
    ]
    await runProgram(runsc.command(['checkpoint', ...flags, spec.id]), signal, descriptor.fd)
    await sealCheckpoint(folder, uid !== undefined)
    const snapshot: KernelSnapshot = {
      runtime: 'gvisor',
      directory: into,
      memoryBytes: spec.memoryBytes,
      cpus: spec.cpus,
      diskBytes: spec.diskBytes,
      rootImage: spec.rootImage,
      isolation: 'userspace',
      channelKey,
      detail: {},
    }
    // Last: a folder without it is not a snapshot.
    await writeFile(join(into, 'snapshot.json'), JSON.stringify(snapshot), { mode: 0o400, flag: 'wx', flush: true })
    return snapshot
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}
