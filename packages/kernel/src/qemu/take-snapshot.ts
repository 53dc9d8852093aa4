import { randomBytes } from 'node:crypto'
import { chmod, mkdir, open, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { failure, isFailure } from '@bulkhead/wire'
import type { KernelSnapshot } from '../contract.ts'
import { orDiskFull } from './disk-full.ts'
import { cloneFile, type DiskLayer, type DiskStore, linkOrCopy } from './disk-store.ts'
import { continueAfterMigration, migrateFrom, migrateTo, prepareMigration } from './migration.ts'
import { inside, type QemuPlan } from './qemu-arguments.ts'
import { RunFolder } from './run-folder.ts'
import type { RunningQemu } from './running-qemu.ts'
import { SnapshotFolder } from './snapshot-folder.ts'
import { giveTo, layerBinds } from './state-folder.ts'
import { Vmm, type VmmHost } from './vmm.ts'

/** A guest that ran must run on: also when the caller has given up, and on a busy machine. */
const continueWithinMs = 30_000

export interface SnapshotTools {
  readonly host: VmmHost
  readonly disks: DiskStore
  readonly runRoot: string
  /** The plan the kernel was started with. */
  readonly plan: QemuPlan
  readonly uid: number | undefined
}

/**
 * Writes a running guest into a folder that any number of clones can start from, in two steps:
 *
 * 1. The guest stands still while QEMU writes its memory and device state to one stream, and its disk is copied. Then it goes on.
 * 2. A second QEMU, confined as the first, takes that stream in and puts the memory into a file of its own: what clones map. It never runs.
 *
 * So every snapshot has the same form, whether its guest was booted or is itself a clone, and no process that ran foreign code ever holds
 * a file of it open. The folder is made beside `into` and takes its place when it is whole and on disk.
 */
export async function takeSnapshot(
  kernel: RunningQemu,
  into: string,
  tools: SnapshotTools,
  signal: AbortSignal
): Promise<KernelSnapshot> {
  const { spec } = kernel
  try {
    signal.throwIfAborted()
    await using undo = new AsyncDisposableStack()
    const partial = `${into}.partial-${randomBytes(6).toString('hex')}`
    await mkdir(partial, { mode: 0o700 })
    undo.defer(() => rm(partial, { recursive: true, force: true }))
    undo.defer(() => truncate(kernel.state.outlet))

    const folder = new SnapshotFolder(partial, [...kernel.state.layers.map((layer) => layer.format), 'qcow2'])
    await orDiskFull(folder.memory, async () => {
      await freeze(kernel, folder.topLayer, signal)
      await Promise.all(
        kernel.state.layers.map((layer, index) => linkOrCopy(layer.path, folder.layers[index]?.path ?? '', signal))
      )
      await tools.disks.makeOverlay(folder.overlay, folder.topLayer, spec.diskBytes, signal)
      await merge(kernel, folder, tools, signal)
    })
    const qemuVersion = await kernel.vmm.monitor.version()
    const description = {
      runtime: 'qemu',
      memoryBytes: spec.memoryBytes,
      cpus: spec.cpus,
      diskBytes: spec.diskBytes,
      rootImage: spec.rootImage,
      isolation: spec.isolation,
      detail: {
        layers: folder.layers.map((layer) => layer.format),
        sizes: await folder.sizes(),
        qemuVersion,
        machine: tools.plan.row.machine,
      },
    } as const
    await orDiskFull(folder.memory, () => folder.seal(description))
    signal.throwIfAborted()
    await rename(partial, into)
    await syncFolder(dirname(into))
    return { ...description, directory: into, channelKey: spec.identity.channelKey }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (isFailure(error)) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw failure('snapshot_failed', { id: spec.id, reason }, { cause: error })
  }
}

/** Step 1. However it ends, a guest that ran runs on. */
async function freeze(kernel: RunningQemu, topLayer: DiskLayer, signal: AbortSignal): Promise<void> {
  const { monitor } = kernel.vmm
  const ran = (await kernel.queryStatus(signal)) === 'running'
  await kernel.command('stop')
  // Not before: a guest in the middle of a write is not to find its host gone.
  kernel.endSessions('a snapshot is being taken')
  try {
    await prepareMigration(monitor, { withoutSharedMemory: false }, signal)
    await migrateTo(monitor, inside.snapshot, signal)
    // Only now has QEMU written all it knew of the disk.
    await cloneFile(kernel.state.disk, topLayer.path)
  } finally {
    if (ran) await continueAfterMigration(monitor, AbortSignal.timeout(continueWithinMs))
  }
}

/** Step 2. */
async function merge(
  kernel: RunningQemu,
  folder: SnapshotFolder,
  tools: SnapshotTools,
  signal: AbortSignal
): Promise<void> {
  const { spec } = kernel
  const scratch = join(folder.path, 'scratch')
  await cloneFile(folder.overlay, scratch)
  await writeFile(folder.memory, '', { flag: 'wx' })
  await truncate(folder.memory, spec.memoryBytes)
  await writeFile(folder.state, '', { flag: 'wx' })
  for (const path of [scratch, folder.memory, folder.state]) await giveTo(path, tools.uid)
  // Written to by nobody any more, and read by another process of the same user.
  await chmod(folder.topLayer.path, 0o444)

  const name = `qemu-${spec.id}.merge`
  const vmm = await Vmm.start(
    tools.host,
    {
      name,
      folder: new RunFolder(tools.runRoot, name),
      plan: { ...tools.plan, start: { kind: 'merge' }, layers: folder.layers.map((layer) => layer.format) },
      binds: [
        { source: spec.rootImage, target: inside.root, access: 'read' },
        ...layerBinds(folder.layers),
        { source: scratch, target: inside.disk, access: 'write' },
        { source: kernel.state.outlet, target: inside.state, access: 'read' },
        { source: folder.memory, target: inside.memory, access: 'write' },
        { source: folder.state, target: inside.snapshot, access: 'write' },
      ],
      uid: tools.uid,
      maxFileBytes: Math.max(spec.memoryBytes, spec.diskBytes),
    },
    signal
  )
  try {
    await prepareMigration(vmm.monitor, { withoutSharedMemory: false }, signal)
    await migrateFrom(vmm.monitor, inside.state, signal)
    await prepareMigration(vmm.monitor, { withoutSharedMemory: true }, signal)
    await migrateTo(vmm.monitor, inside.snapshot, signal)
  } finally {
    await vmm.kill()
  }
  await rm(scratch)
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r')
  await folder.sync()
}
