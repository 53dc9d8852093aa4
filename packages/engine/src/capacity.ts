import { readFile, statfs } from 'node:fs/promises'
import { failure } from '@bulkhead/wire'
import type { CapacityConfig } from './config.ts'

const MiB = 1024 * 1024

export const capacityDefaults = (processors: number): CapacityConfig => ({
  parallelStarts: processors + 1,
  waitingStarts: 256,
  memoryReserveBytes: 256 * MiB,
  memoryPerStartBytes: 96 * MiB,
  diskReserveBytes: 128 * MiB,
})

export interface HostMemory {
  readonly totalBytes: number
  /** What can be had without swapping. */
  readonly availableBytes: number
}

/**
 * Whether the host has room for one more kernel, looked at before each start. Memory and disk may be promised several times over, as
 * most sandboxes never touch most of theirs; what is refused here is the start that would push the host itself against the wall.
 */
export class Capacity {
  readonly #config: CapacityConfig
  readonly #stateDirectory: string

  constructor(config: CapacityConfig, stateDirectory: string) {
    this.#config = config
    this.#stateDirectory = stateDirectory
  }

  /**
   * Fails `capacity_exhausted` for memory, `disk_full` for the disk of the state folder.
   * `spare` asks for that much more of both: for what is done in advance, which must not take the last room.
   */
  async check(wanted: { memoryBytes: number }, spare: { memoryBytes: number; diskBytes: number }): Promise<void> {
    const [memory, disk] = await Promise.all([readHostMemory(), statfs(this.#stateDirectory)])
    if (wanted.memoryBytes > memory.totalBytes) {
      throw failure('capacity_exhausted', {
        resource: 'bytes of memory',
        needed: wanted.memoryBytes,
        available: memory.totalBytes,
      })
    }
    const { memoryReserveBytes, memoryPerStartBytes, diskReserveBytes } = this.#config
    const needed = memoryReserveBytes + memoryPerStartBytes + spare.memoryBytes
    if (memory.availableBytes < needed) {
      throw failure('capacity_exhausted', { resource: 'bytes of memory', needed, available: memory.availableBytes })
    }
    if (disk.bavail * disk.bsize < diskReserveBytes + spare.diskBytes) {
      throw failure('disk_full', { directory: this.#stateDirectory })
    }
  }
}

/** Source: /proc/meminfo, `MemTotal` and `MemAvailable`, which it gives in KiB (proc_meminfo(5)). */
async function readHostMemory(): Promise<HostMemory> {
  const text = await readFile('/proc/meminfo', 'utf8')
  const bytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024
  return { totalBytes: bytes('MemTotal'), availableBytes: bytes('MemAvailable') }
}
