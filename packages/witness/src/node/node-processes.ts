import { readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import { type ProcessStatus, parseProcessStatus } from '../proc/process-status.ts'
import { kernelProgram } from './kernel-programs.ts'

/** The program that a process runs. */
export interface RunningProgram {
  /** As the kernel shows its path. Where the process has a file system of its own it is a path in there. */
  readonly executable: string
  /** Whether the file is the node's, and not one of the same name from an image or a volume. */
  readonly ofNode: boolean
}

const deleted = ' (deleted)'

/**
 * A node's processes, as /proc shows them. Reading is synchronous: a look at a node is some hundred files of /proc, a few microseconds each, and nothing
 * else waits in this process. Needs root and CAP_SYS_PTRACE, and a /proc of the node's process namespace.
 */
export class NodeProcesses {
  readonly #proc: string
  readonly #nodePid: number
  /** By path, of this look. */
  readonly #nodeFiles = new Map<string, Stats | undefined>()

  /** `proc`: where that /proc is mounted. `nodePid`: a process that sees the node's own files and namespaces. */
  constructor(proc: string, nodePid: number) {
    this.#proc = proc
    this.#nodePid = nodePid
  }

  /** Forgets what was seen before: the node's files may be others by now. */
  beginLook(): void {
    this.#nodeFiles.clear()
  }

  /** Undefined when it has ended. */
  status(pid: number): ProcessStatus | undefined {
    return unlessGone(() => parseProcessStatus(readFileSync(this.#path(pid, 'status'), 'latin1')))
  }

  /** Undefined when it has ended. */
  program(pid: number): RunningProgram | undefined {
    return unlessGone(() => {
      const exe = this.#path(pid, 'exe')
      const executable = readlinkSync(exe)
      // Of what is no program of ours anyway nobody needs to know whose it is.
      const ofNode = kernelProgram(executable.replace(deleted, '')) !== undefined && this.#isOfNode(executable, exe)
      return { executable, ofNode }
    })
  }

  /** Whether it has a namespace of its own, that is, not the node's. Undefined when it has ended. */
  hasOwn(namespace: 'user' | 'pid' | 'mnt' | 'net', pid: number): boolean | undefined {
    const own = unlessGone(() => readlinkSync(this.#path(pid, 'ns', namespace)))
    return own === undefined ? undefined : own !== readlinkSync(this.#path(this.#nodePid, 'ns', namespace))
  }

  opens(pid: number, device: string): boolean {
    const folder = this.#path(pid, 'fd')
    const descriptors = unlessGone(() => readdirSync(folder)) ?? []
    return descriptors.some((fd) => unlessGone(() => readlinkSync(join(folder, fd))) === device)
  }

  /** What the node has mounted, as mountinfo has it. */
  mounts(): string {
    return readFileSync(this.#path(this.#nodePid, 'mountinfo'), 'latin1')
  }

  /** Path of a file of the node. */
  onNode(path: string): string {
    return join(this.#path(this.#nodePid, 'root'), path)
  }

  /**
   * The node has this very file at this very path. Of a file that was replaced while it runs, as in an upgrade, only its file system can be compared:
   * an image's is another.
   */
  #isOfNode(executable: string, exe: string): boolean {
    const running = statSync(exe)
    const isDeleted = executable.endsWith(deleted)
    const path = isDeleted ? join(executable.slice(0, -deleted.length), '..') : executable
    const there = this.#nodeFile(path)
    return there !== undefined && there.dev === running.dev && (isDeleted || there.ino === running.ino)
  }

  #nodeFile(path: string): Stats | undefined {
    if (!this.#nodeFiles.has(path))
      this.#nodeFiles.set(
        path,
        unlessGone(() => statSync(this.onNode(path)))
      )
    return this.#nodeFiles.get(path)
  }

  #path(pid: number, ...names: readonly string[]): string {
    return join(this.#proc, String(pid), ...names)
  }
}

/** A process, or what it had open, may end while it is looked at. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'ENODEV') return undefined
    throw error
  }
}
