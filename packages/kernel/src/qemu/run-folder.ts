import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** The folder of one kernel below the run root: its sockets, and what started it. Only root (or the user who started it) may enter. */
export class RunFolder {
  readonly path: string
  readonly monitorSocket: string
  readonly channelSocket: string
  /** See `readVmmStatus`. */
  readonly status: string

  constructor(runRoot: string, name: string) {
    if (!/^[a-z0-9.-]{1,60}$/.test(name) || name.startsWith('.')) throw new TypeError(`not a kernel's name: ${name}`)
    this.path = join(runRoot, name)
    this.monitorSocket = join(this.path, 'monitor.sock')
    this.channelSocket = join(this.path, 'channel.sock')
    this.status = join(this.path, 'status')
  }

  /** Throws `EEXIST` for a name in use. */
  async make(): Promise<void> {
    await mkdir(this.path, { mode: 0o700 })
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true })
  }

  static async list(runRoot: string): Promise<string[]> {
    const entries = await readdir(runRoot, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  }
}
