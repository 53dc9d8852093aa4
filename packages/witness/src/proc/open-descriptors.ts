import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

export interface OpenDescriptor {
  readonly fd: number
  /** A path, `socket:[…]`, `pipe:[…]`, `anon_inode:…`. */
  readonly target: string
  readonly writable: boolean
}

/** O_ACCMODE of open(2), and O_PATH: such a descriptor can neither be read nor written. */
const accessMode = 0o3
const pathOnly = 0o10000000

/** Everything a process has open, by descriptor number. One that is closed meanwhile is left out. Fails `EACCES` for another user's process. */
export async function readDescriptors(processFolder: string): Promise<OpenDescriptor[]> {
  const numbers = (await readdir(join(processFolder, 'fd'))).map(Number).sort((a, b) => a - b)
  const found = await Promise.all(numbers.map((fd) => readDescriptor(processFolder, fd)))
  return found.filter((descriptor) => descriptor !== undefined)
}

async function readDescriptor(processFolder: string, fd: number): Promise<OpenDescriptor | undefined> {
  try {
    const [target, info] = await Promise.all([
      readlink(join(processFolder, 'fd', String(fd))),
      readFile(join(processFolder, 'fdinfo', String(fd)), 'latin1'),
    ])
    const flags = Number.parseInt(/^flags:\s*([0-7]+)$/m.exec(info)?.[1] ?? '', 8)
    // Flags that cannot be read count as the worst they can be.
    const writable = Number.isNaN(flags) || ((flags & pathOnly) === 0 && (flags & accessMode) !== 0)
    return { fd, target, writable }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
