import { randomBytes } from 'node:crypto'
import { constants, copyFile, link, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { failure } from '@bulkhead/wire'
import { findProgram } from '../confine/find-program.ts'
import { orDiskFull } from './disk-full.ts'
import { runProgram } from './run-program.ts'

const MiB = 1024 * 1024
/** Sizes of empty disks that are kept; the one used longest ago goes. Guests that stand on it have names of their own for it. */
const keptSizes = 16
/** Of the files' names: changes with how they are made, so that a cache of before is not taken for it. */
const format = 'ext4-i4096'

/** A read-only file below a guest's disk. */
export interface DiskLayer {
  readonly path: string
  readonly format: 'raw' | 'qcow2'
}

/**
 * The guests' disks. All guests with a disk of one size begin on the same empty ext4 file, made once and never written to again; each has a
 * qcow2 overlay of its own over it, and what a snapshot froze lies in between as further layers.
 */
export class DiskStore {
  readonly #folder: string
  readonly #qemuImg: string

  constructor(options: { readonly cacheDirectory: string; readonly qemuImg: string }) {
    this.#folder = join(options.cacheDirectory, 'qemu-disks')
    this.#qemuImg = options.qemuImg
  }

  /** The empty disk of that size, rounded up to a MiB, and the empty overlay over it. Both are read-only: copy the overlay. Fails `disk_full`, `runtime_unavailable`. */
  async blank(wantedBytes: number, signal: AbortSignal): Promise<{ base: DiskLayer; overlay: string }> {
    // Sizes are kept: there must not be one for every number of bytes.
    const bytes = Math.ceil(wantedBytes / MiB) * MiB
    const base: DiskLayer = { path: join(this.#folder, `${format}-${bytes}.raw`), format: 'raw' }
    const overlay = join(this.#folder, `${format}-${bytes}.qcow2`)
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    await this.#once(base.path, (path) => this.#makeExt4(path, bytes, signal))
    await this.#once(overlay, (path) => this.makeOverlay(path, base, bytes, signal))
    await this.#forgetOldest()
    return { base, overlay }
  }

  /** A size is as old as its last use. */
  async #forgetOldest(): Promise<void> {
    const bases = (await readdir(this.#folder)).filter((name) => name.endsWith('.raw'))
    if (bases.length <= keptSizes) return
    const ages = await Promise.all(
      bases.map(async (name) => ({ name, usedAt: (await stat(join(this.#folder, name))).mtimeMs }))
    )
    for (const { name } of ages.sort((a, b) => b.usedAt - a.usedAt).slice(keptSizes)) {
      await rm(join(this.#folder, name.replace(/raw$/, 'qcow2')), { force: true })
      await rm(join(this.#folder, name), { force: true })
    }
  }

  /** An empty overlay. The name of what lies below, which its header repeats, is never used: QEMU is told each layer by name. */
  async makeOverlay(path: string, below: DiskLayer, bytes: number, signal: AbortSignal): Promise<void> {
    const args = ['create', '-q', '-f', 'qcow2', '-F', below.format, '-b', below.path, '-u', path, String(bytes)]
    await orDiskFull(path, () => runProgram(this.#qemuImg, args, signal))
  }

  async #makeExt4(path: string, bytes: number, signal: AbortSignal): Promise<void> {
    const mkfs = await findProgram('mkfs.ext4')
    if (!mkfs)
      throw failure('runtime_unavailable', { runtime: 'qemu', reason: 'the program mkfs.ext4 is not installed' })
    await orDiskFull(path, async () => {
      await using file = await open(path, 'wx', 0o600)
      await file.truncate(bytes)
      // No journal: after a crash of the guest its disk is never used again. No blocks kept back for root: all of it is the workload's.
      // A file for every 4 KiB at most: workloads unpack trees of many small ones, and mkfs would count on 16 KiB each.
      const args = [
        '-q',
        '-F',
        '-m',
        '0',
        '-i',
        '4096',
        '-O',
        '^has_journal',
        '-E',
        'lazy_itable_init=1,nodiscard',
        path,
      ]
      await runProgram(mkfs, args, signal)
    })
  }

  /** Makes a file under another name and renames it when it is whole: two makers do not disturb each other, and half of one is never seen. */
  async #once(path: string, make: (path: string) => Promise<void>): Promise<void> {
    const now = new Date()
    if (await existsAfter(() => utimes(path, now, now))) return
    const partial = `${path}.${randomBytes(6).toString('hex')}.partial`
    try {
      await make(partial)
      {
        await using file = await open(partial, 'r')
        await file.chmod(0o444)
        // Once it has its name it is taken for whole, also after a power cut.
        await file.sync()
      }
      await rename(partial, path)
      await using folder = await open(this.#folder, 'r')
      await folder.sync()
    } finally {
      await rm(partial, { force: true })
    }
  }
}

/** A second name for a file that no longer changes; where the file systems differ a copy, with the holes it has. Fails `disk_full`. */
export async function linkOrCopy(from: string, to: string, signal: AbortSignal): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EXDEV' && code !== 'EMLINK' && code !== 'EPERM') throw error
    // Node's copy writes holes out: an empty disk would then cost its full size.
    await orDiskFull(to, () => runProgram('/bin/cp', ['--sparse=always', '--reflink=auto', '--', from, to], signal))
  }
}

/** A copy that shares the blocks where the file system can, and else is written out. Fails `disk_full`. */
export async function cloneFile(from: string, to: string): Promise<void> {
  await orDiskFull(to, () => copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL))
}

/** Whether the file was there for it. */
const existsAfter = (use: () => Promise<void>) =>
  use().then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    }
  )
