import { chmod, chown, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bind } from '../confine/confined-command.ts'
import { orDiskFull } from './disk-full.ts'
import { cloneFile, type DiskLayer, linkOrCopy } from './disk-store.ts'
import { inside } from './qemu-arguments.ts'

/**
 * What one kernel has on disk, below its state directory. QEMU sees single files of it, never the folder: it can neither make files nor put
 * a link where the server expects a file.
 */
export class StateFolder {
  readonly #path: string
  readonly layers: readonly DiskLayer[]

  private constructor(path: string, formats: readonly DiskLayer['format'][]) {
    this.#path = path
    this.layers = formats.map((format, index) => ({ format, path: join(path, `layer.${index}`) }))
  }

  /** The overlay that this guest alone writes to. */
  get disk(): string {
    return join(this.#path, 'disk')
  }

  /** Where QEMU writes memory and state when it is frozen; empty else. */
  get outlet(): string {
    return join(this.#path, 'outlet')
  }

  /**
   * Fills an empty state directory: second names for the layers, so that they live as long as this kernel, and a copy of the empty overlay.
   * Fails `disk_full`; half of it may then be there: {@link clear}.
   */
  static async fill(
    path: string,
    from: { readonly layers: readonly DiskLayer[]; readonly overlay: string },
    uid: number | undefined,
    signal: AbortSignal
  ): Promise<StateFolder> {
    const folder = StateFolder.at(
      path,
      from.layers.map((layer) => layer.format)
    )
    await orDiskFull(join(path, 'disk'), () =>
      Promise.all([
        ...from.layers.map((layer, index) => linkOrCopy(layer.path, folder.layers[index]?.path ?? '', signal)),
        cloneFile(from.overlay, folder.disk).then(() => giveTo(folder.disk, uid)),
        writeFile(folder.outlet, '', { flag: 'wx' }).then(() => giveTo(folder.outlet, uid)),
      ])
    )
    return folder
  }

  /** The one that `fill` made, in an earlier process. */
  static at(path: string, formats: readonly DiskLayer['format'][]): StateFolder {
    return new StateFolder(path, formats)
  }

  /** What QEMU sees of it. */
  get binds(): Bind[] {
    return [
      ...layerBinds(this.layers),
      { source: this.disk, target: inside.disk, access: 'write' },
      { source: this.outlet, target: inside.snapshot, access: 'write' },
    ]
  }

  /** Leaves the state directory as empty as it was. */
  async clear(): Promise<void> {
    const files = [this.disk, this.outlet, ...this.layers.map((layer) => layer.path)]
    await Promise.all(files.map((file) => rm(file, { force: true })))
  }
}

export const layerBinds = (layers: readonly DiskLayer[]): Bind[] =>
  layers.map((layer, index) => ({ source: layer.path, target: inside.layer(index), access: 'read' }))

/** Makes a file writable for the user QEMU runs as, and for no other. `uid` undefined: that is this process's own. */
export async function giveTo(path: string, uid: number | undefined): Promise<void> {
  await chmod(path, 0o600)
  if (uid !== undefined) await chown(path, uid, uid)
}
