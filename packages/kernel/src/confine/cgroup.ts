import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CgroupMounts, type Controller, findCgroupMounts } from './cgroup-mounts.ts'

export interface CgroupLimits {
  /** RAM and page cache together, hard. */
  readonly memoryBytes: number
  /** Whole processors' worth of time. */
  readonly cpus: number
  /** Processes and threads. */
  readonly pids: number
}

export interface CgroupUsage {
  /** v2 `memory.current`, v1 `memory.usage_in_bytes`: page cache included. */
  readonly memoryBytes: number
  readonly cpuSeconds: number
  readonly processes: number
}

const cpuPeriodUs = 100_000

/** The parent of all kernels' cgroups: `name` below each controller's tree (version 1) or below the one (version 2). */
export class CgroupParent {
  readonly #mounts: CgroupMounts
  readonly #name: string

  private constructor(mounts: CgroupMounts, name: string) {
    this.#mounts = mounts
    this.#name = name
  }

  /** Finds out what this machine has; makes nothing yet. `name`: one path component. */
  static async open(name: string): Promise<CgroupParent> {
    if (!/^[a-zA-Z0-9_.-]{1,64}$/.test(name) || name.startsWith('.'))
      throw new TypeError(`not a cgroup's name: ${name}`)
    return new CgroupParent(await findCgroupMounts(), name)
  }

  /** Which of the limits cannot be had here; empty when all can. */
  get lacking(): ('memory' | 'cpu' | 'pids')[] {
    const mounts = this.#mounts
    const has = (controller: Controller) => {
      if (mounts.version === undefined) return false
      return mounts.version === 1 ? mounts.roots.has(controller) : mounts.controllers.includes(controller)
    }
    return (['memory', 'cpu', 'pids'] as const).filter((controller) => !has(controller))
  }

  /** Why one that is {@link lacking} cannot be had. */
  reasonFor(controller: Controller): string {
    if (this.#mounts.version === undefined) return this.#mounts.reason
    return `no cgroup controller ${controller} that this user can write to`
  }

  /** A new cgroup with its limits set, still empty. Undefined where there are no cgroups: {@link reasonFor} says why. Throws `EEXIST` for a name in use. */
  async create(id: string, limits: CgroupLimits): Promise<Cgroup | undefined> {
    const folders = this.#folders(id)
    if (folders.size === 0) return undefined
    const cgroup = new Cgroup(this.#version(), folders)
    try {
      for (const folder of cgroup.folders) await this.#makeFolder(folder)
      await cgroup.limit(limits)
      return cgroup
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await cgroup.remove()
      throw error
    }
  }

  /** The cgroup `id` as it is, or undefined when there is none. */
  async find(id: string): Promise<Cgroup | undefined> {
    return (await this.list()).includes(id) ? new Cgroup(this.#version(), this.#folders(id)) : undefined
  }

  /** The names of all cgroups below the parent, half-made ones too. */
  async list(): Promise<string[]> {
    const names = new Set<string>()
    for (const parent of this.#parents()) {
      const entries = await readdir(parent, { withFileTypes: true }).catch(ifMissing([]))
      for (const entry of entries) if (entry.isDirectory()) names.add(entry.name)
    }
    return [...names]
  }

  /** Removes the parent itself, once it is empty; leaves it when it is not. */
  async removeIfEmpty(): Promise<void> {
    for (const parent of this.#parents()) await removeEmpty(parent)
  }

  #version(): 1 | 2 {
    return this.#mounts.version === 1 ? 1 : 2
  }

  #folders(id: string): Map<Controller, string> {
    if (!/^[a-zA-Z0-9_.-]{1,100}$/.test(id) || id.startsWith('.')) throw new TypeError(`not a cgroup's name: ${id}`)
    const mounts = this.#mounts
    if (mounts.version === undefined) return new Map()
    const roots: [Controller, string][] =
      mounts.version === 1 ? [...mounts.roots] : mounts.controllers.map((controller) => [controller, mounts.root])
    return new Map(roots.map(([controller, root]) => [controller, join(root, this.#name, id)]))
  }

  #parents(): Set<string> {
    const mounts = this.#mounts
    if (mounts.version === undefined) return new Set()
    const roots = mounts.version === 1 ? [...mounts.roots.values()] : [mounts.root]
    return new Set(roots.map((root) => join(root, this.#name)))
  }

  /** The parent goes with the last cgroup in it, which may be at this moment. */
  async #makeFolder(folder: string): Promise<void> {
    for (;;) {
      try {
        return await mkdir(folder)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
      await this.#makeParent()
    }
  }

  async #makeParent(): Promise<void> {
    for (const parent of this.#parents()) await mkdir(parent, { recursive: true })
    const mounts = this.#mounts
    if (mounts.version !== 2) return
    // A controller reaches a child only when every parent on the way hands it down.
    const hand = mounts.controllers.map((controller) => `+${controller}`).join(' ')
    for (const parent of [mounts.root, ...this.#parents()])
      await writeFile(join(parent, 'cgroup.subtree_control'), hand)
  }
}

/** The cgroup of one kernel: all processes of it, limited, counted and ended together. */
export class Cgroup {
  readonly #version: 1 | 2
  readonly #byController: ReadonlyMap<Controller, string>
  /** Each folder of it once. A process that is written into the `cgroup.procs` of every one belongs to it. */
  readonly folders: readonly string[]

  constructor(version: 1 | 2, byController: ReadonlyMap<Controller, string>) {
    this.#version = version
    this.#byController = byController
    this.folders = [...new Set(byController.values())]
  }

  async limit(limits: CgroupLimits): Promise<void> {
    const quotaUs = Math.round(limits.cpus * cpuPeriodUs)
    if (this.#version === 2) {
      await this.#write('memory', 'memory.max', limits.memoryBytes)
      // A kernel that swaps is slow for all; one that is full is an event of its own.
      await this.#write('memory', 'memory.swap.max', 0, 'optional')
      await this.#write('cpu', 'cpu.max', `${quotaUs} ${cpuPeriodUs}`)
      await this.#write('pids', 'pids.max', limits.pids)
    } else {
      await this.#write('memory', 'memory.limit_in_bytes', limits.memoryBytes)
      await this.#write('memory', 'memory.memsw.limit_in_bytes', limits.memoryBytes, 'optional')
      await this.#write('cpu', 'cpu.cfs_period_us', cpuPeriodUs)
      await this.#write('cpu', 'cpu.cfs_quota_us', quotaUs)
      await this.#write('pids', 'pids.max', limits.pids)
    }
  }

  async usage(): Promise<CgroupUsage> {
    const [memoryBytes, cpuSeconds, processes] = await Promise.all([
      this.#read('memory', this.#version === 2 ? 'memory.current' : 'memory.usage_in_bytes').then(Number),
      this.#cpuSeconds(),
      this.processes().then((pids) => pids.length),
    ])
    return { memoryBytes, cpuSeconds, processes }
  }

  /** How many processes of it the kernel has ended because its memory was full. */
  async outOfMemoryKills(): Promise<number> {
    const text = await this.#read('memory', this.#version === 2 ? 'memory.events' : 'memory.oom_control')
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0)
  }

  /** The pids in it, as this process sees them. */
  async processes(): Promise<number[]> {
    const pids = new Set<number>()
    for (const folder of this.folders) {
      const text = await readFile(join(folder, 'cgroup.procs'), 'latin1').catch(ifMissing(''))
      for (const line of text.split('\n')) if (line !== '') pids.add(Number(line))
    }
    return [...pids]
  }

  /**
   * Ends every process in it and returns when none is left. What forks faster than it is killed is frozen first, or, in version 2, killed by
   * the kernel in one go. The end of another's process is told by no event in version 1: asked again and again, ever more slowly.
   */
  async kill(): Promise<void> {
    for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 50)) {
      const pids = await this.processes()
      if (pids.length === 0) return
      if (!(await this.#write('memory', 'cgroup.kill', 1, 'optional', 2))) {
        await this.#write('freezer', 'freezer.state', 'FROZEN', 'optional', 1)
        for (const pid of await this.processes()) {
          try {
            process.kill(pid, 'SIGKILL')
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
          }
        }
        // A frozen process dies when it thaws.
        await this.#write('freezer', 'freezer.state', 'THAWED', 'optional', 1)
      }
      await sleep(waitMs)
    }
  }

  /** Ends what is in it and removes it, and the parent when this was the last in it. Fine when it is gone already. */
  async remove(): Promise<void> {
    await this.kill()
    for (const folder of this.folders) {
      await this.#removeFolder(folder)
      await removeEmpty(dirname(folder))
    }
  }

  async #removeFolder(folder: string): Promise<void> {
    // EBUSY for a moment after its last process's end; or because one on its way in, not yet there to be killed, has arrived meanwhile.
    for (let waitMs = 1; ; waitMs *= 2) {
      try {
        return await rmdir(folder)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ENOENT') return
        if (code !== 'EBUSY' || waitMs > 1000) throw error
      }
      await sleep(waitMs)
      await this.kill()
    }
  }

  async #cpuSeconds(): Promise<number> {
    if (this.#version === 1) return Number(await this.#read('cpuacct', 'cpuacct.usage')) / 1e9
    return Number(/^usage_usec (\d+)$/m.exec(await this.#read('cpu', 'cpu.stat'))?.[1] ?? 0) / 1e6
  }

  async #read(controller: Controller, file: string): Promise<string> {
    const folder = this.#byController.get(controller)
    return folder === undefined ? '' : readFile(join(folder, file), 'latin1')
  }

  /** False when there is no such controller or, if optional, no such file (a kernel may lack swap accounting), or this is the other version. */
  async #write(
    controller: Controller,
    file: string,
    value: string | number,
    need: 'needed' | 'optional' = 'needed',
    only?: 1 | 2
  ): Promise<boolean> {
    const folder = this.#byController.get(controller)
    if (folder === undefined || (only !== undefined && only !== this.#version)) return false
    try {
      await writeFile(join(folder, file), String(value), { flag: 'r+' })
      return true
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // ENODEV: the whole cgroup was removed after the file had been opened.
      if (need === 'optional' && (code === 'ENOENT' || code === 'ENODEV')) return false
      throw error
    }
  }
}

/** Leaves a cgroup that is not empty. */
async function removeEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'EBUSY' && error.code !== 'ENOTEMPTY') throw error
  })
}

const ifMissing =
  <T>(value: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT' || error.code === 'ENODEV') return value
    throw error
  }
