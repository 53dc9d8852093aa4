import { open, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { failure } from '@bulkhead/wire'
import type { KernelSnapshot } from '../contract.ts'
import type { DiskLayer } from './disk-store.ts'

/** What is in a snapshot's folder. Only root (or its maker) may enter it; QEMU gets single files of it. */
export class SnapshotFolder {
  readonly path: string
  /** The guest's RAM, byte for byte. */
  readonly memory: string
  /** The state of processors and devices, as QEMU writes it. */
  readonly state: string
  /** An empty qcow2 overlay over the uppermost layer, to be copied. */
  readonly overlay: string
  /** The disk, lowest first. */
  readonly layers: readonly DiskLayer[]

  constructor(path: string, formats: readonly DiskLayer['format'][]) {
    this.path = path
    this.memory = join(path, 'memory')
    this.state = join(path, 'state')
    this.overlay = join(path, 'overlay.qcow2')
    this.layers = formats.map((format, index) => ({ format, path: join(path, `layer.${index}`) }))
  }

  /** Fails `snapshot_unusable` when a part is missing or cut short. */
  static async open(snapshot: KernelSnapshot): Promise<SnapshotFolder> {
    const unusable = (reason: string, cause?: unknown) =>
      failure('snapshot_unusable', { directory: snapshot.directory, reason }, { cause })
    const formats = snapshot.detail.layers
    if (!isFormats(formats)) throw unusable('its description does not name the layers of its disk')
    const folder = new SnapshotFolder(snapshot.directory, formats)
    const sizes = await folder.sizes().catch((cause: unknown) => {
      throw unusable('a part of it is missing', cause)
    })
    for (const [name, size] of Object.entries(sizes)) {
      if (size !== (snapshot.detail.sizes as Record<string, unknown> | undefined)?.[name]) {
        throw unusable(`its file ${name} has ${size} bytes and should have another size`)
      }
    }
    return folder
  }

  get topLayer(): DiskLayer {
    const top = this.layers.at(-1)
    if (!top) throw new TypeError('a snapshot has at least one layer')
    return top
  }

  /** Bytes of each file by its name. Rejects when one is missing. */
  async sizes(): Promise<Record<string, number>> {
    return Object.fromEntries(
      await Promise.all(this.#files.map(async (path) => [basename(path), (await stat(path)).size] as const))
    )
  }

  /** Writes the description (without the key), has everything written to disk and makes it read-only. */
  async seal(description: Omit<KernelSnapshot, 'directory' | 'channelKey'>): Promise<void> {
    const file = join(this.path, 'snapshot.json')
    await writeFile(file, `${JSON.stringify(description, null, 2)}\n`, { flag: 'wx' })
    for (const path of [...this.#files, file]) {
      await using handle = await open(path, 'r')
      // A copy has its original's owner, and those QEMU wrote have QEMU's: from now on it is nobody's but the server's.
      await handle.chown(process.getuid?.() ?? -1, process.getgid?.() ?? -1)
      await handle.chmod(0o444)
      await handle.sync()
    }
    await using folder = await open(this.path, 'r')
    await folder.sync()
  }

  get #files(): string[] {
    return [this.memory, this.state, this.overlay, ...this.layers.map((layer) => layer.path)]
  }
}

const isFormats = (value: unknown): value is DiskLayer['format'][] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.length < 256 &&
  value.every((item) => item === 'raw' || item === 'qcow2')
