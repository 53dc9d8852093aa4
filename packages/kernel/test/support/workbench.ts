import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { release, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import type { IsolationClass } from '@bulkhead/wire'
import type { GuestIdentity, KernelRuntime, KernelSpec } from '../../src/index.ts'
import { deadline } from './deadline.ts'
import { installation } from './installation.ts'

const MiB = 1024 * 1024

export interface Places {
  readonly runRoot: string
  readonly cgroupRoot: string
  readonly cacheDirectory: string
}

/** A runtime in places of its own, and what a test needs to make kernels with it. Disposing removes all of it. */
export class Workbench implements AsyncDisposable {
  readonly runtime: KernelRuntime
  readonly isolation: IsolationClass
  readonly places: Places
  readonly #root: string
  readonly #make: (places: Places) => Promise<KernelRuntime>
  #nextUid = 710_000

  private constructor(parts: {
    runtime: KernelRuntime
    isolation: IsolationClass
    places: Places
    root: string
    make: (places: Places) => Promise<KernelRuntime>
  }) {
    this.runtime = parts.runtime
    this.isolation = parts.isolation
    this.places = parts.places
    this.#root = parts.root
    this.#make = parts.make
  }

  static async open(make: (places: Places) => Promise<KernelRuntime>): Promise<Workbench> {
    const root = await mkdtemp(join(tmpdir(), 'bh-'))
    // Kernels run as users of their own, who must be able to pass through.
    await chmod(root, 0o711)
    // Kernels that run as users of their own must be able to pass.
    await chmod(root, 0o711)
    const runRoot = join(root, 'run')
    await mkdir(runRoot, { mode: 0o711 })
    const places = {
      runRoot,
      cgroupRoot: `bulkhead-test-${randomBytes(4).toString('hex')}`,
      cacheDirectory: join(root, 'cache'),
    }
    const runtime = await make(places)
    const report = await runtime.probe({}, deadline())
    if (!report.isolation) throw new Error(`${runtime.name} does not work here: ${report.reason}`)
    return new Workbench({ runtime, isolation: report.isolation, places, root, make })
  }

  /** The same runtime as a server that starts anew would make it. */
  another(): Promise<KernelRuntime> {
    return this.#make(this.places)
  }

  async spec(over: Partial<KernelSpec> = {}): Promise<KernelSpec> {
    const id = `t-${randomBytes(5).toString('hex')}`
    const stateDirectory = join(this.#root, 'state', id)
    await mkdir(stateDirectory, { recursive: true })
    return {
      id,
      rootImage: installation().rootImage,
      memoryBytes: 256 * MiB,
      cpus: 1,
      diskBytes: 512 * MiB,
      uid: this.#nextUid++,
      isolation: this.isolation,
      identity: identity(),
      stateDirectory,
      ...over,
    }
  }

  /** What the host's own kernel says of itself. */
  get hostKernel(): { bootId: string; kernelRelease: string } {
    return { bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), kernelRelease: release() }
  }

  identity(): GuestIdentity {
    return identity()
  }

  async remove(path: string): Promise<void> {
    await rm(path, { recursive: true })
  }

  /** Names of the files in a folder that no other folder has too, the largest first. */
  async filesBySize(path: string): Promise<string[]> {
    const entries = await readdir(path, { recursive: true, withFileTypes: true })
    const names = entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    const files = await Promise.all(names.map(async (name) => ({ name, ...(await stat(join(path, name))) })))
    const own = files.filter((file) => file.nlink === 1)
    return own.sort((one, other) => other.size - one.size).map((file) => file.name)
  }

  /** An empty folder to put a snapshot into. */
  async emptyFolder(): Promise<string> {
    const path = join(this.#root, 'snapshots', randomBytes(5).toString('hex'))
    await mkdir(path, { recursive: true })
    return path
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runtime.sweep(new Set())
    await rm(this.#root, { recursive: true, force: true })
  }
}

function identity(): GuestIdentity {
  const hex = (bytes: number) => randomBytes(bytes).toString('hex')
  return {
    hostname: `h-${hex(4)}`,
    machineId: hex(16),
    accessToken: hex(32),
    channelKey: hex(16),
    env: { CONTRACT: 'kept' },
    user: 'user',
    workdir: '/home/user',
  }
}
