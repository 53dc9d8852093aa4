import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { runToolOrFail } from '../tool/run-tool.ts'

/**
 * A folder for what is being made, gone when its scope ends. Its name says which process owns it, so that what a killed process left
 * is known for what it is. Mode 0700: setuid programs and device nodes of foreign images lie in it for a while.
 */
export class WorkFolder implements AsyncDisposable {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  static async make(parent: string): Promise<WorkFolder> {
    const path = join(parent, `${process.pid}.${startTime(process.pid)}.${randomBytes(8).toString('hex')}`)
    await mkdir(path, { mode: 0o700 })
    return new WorkFolder(path)
  }

  join(...parts: string[]): string {
    return join(this.path, ...parts)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeTree(this.path)
  }
}

/** Removes the work folders whose process is no more; returns their names. */
export async function sweepWorkFolders(parent: string): Promise<string[]> {
  const orphans = (await readdir(parent)).filter((name) => !ownerLives(name))
  for (const name of orphans) await removeTree(join(parent, basename(name)))
  return orphans
}

/**
 * `rm` walks with descriptors: it gets to the end of folders nested deeper than the longest path, which an image may hold and which
 * Node's own removal gives up on. It follows no symlink and, told so, enters no mount.
 */
export async function removeTree(path: string): Promise<void> {
  const unstoppable = new AbortController().signal
  await runToolOrFail('rm', ['-rf', '--one-file-system', '--', path], { signal: unstoppable })
}

function ownerLives(folder: string): boolean {
  const [pid, start] = folder.split('.')
  return start !== undefined && start !== '' && startTime(Number(pid)) === start
}

/** Field 22 of /proc/PID/stat, in clock ticks since boot: with the pid, names one process. Empty when there is none. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The program's name, in parentheses, may itself hold spaces and parentheses.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
