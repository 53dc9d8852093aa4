import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type MountInfo, parseMountInfo } from './mount-info.ts'
import { readText } from './read-text.ts'

export interface CgroupLimits {
  readonly memoryMaxBytes?: number
  /** Processors' worth of time: 1.5 is one and a half. */
  readonly cpuMax?: number
  readonly pidsMax?: number
}

/** v1 writes "no limit" as the largest multiple of a page below 2^63. */
const unlimitedBytes = 2 ** 62

/**
 * The limits that hold for a process: of its own cgroup and every one above, the tightest. Reads the version 1 trees where a
 * controller has one, else the version 2 tree. A limit that is absent is not set anywhere. Sources: cgroups(7), cgroup-v2.rst.
 */
export async function readCgroupLimits(procRoot: string, pid: number): Promise<CgroupLimits> {
  const [memberships, mounts] = await Promise.all([
    readText(join(procRoot, String(pid), 'cgroup')),
    readText(join(procRoot, 'self', 'mountinfo')).then(parseMountInfo),
  ])
  const chain = (controller: string) => cgroupChain(controller, memberships, mounts)
  const [memory, cpu, pids] = [chain('memory'), chain('cpu'), chain('pids')]
  return defined({
    memoryMaxBytes: await tightest(memory.folders, async (folder) => {
      const bytes = await readLimit(join(folder, memory.unified ? 'memory.max' : 'memory.limit_in_bytes'))
      return bytes !== undefined && bytes < unlimitedBytes ? bytes : undefined
    }),
    cpuMax: await tightest(cpu.folders, (folder) => (cpu.unified ? unifiedCpu(folder) : quotaCpu(folder))),
    pidsMax: await tightest(pids.folders, (folder) => readLimit(join(folder, 'pids.max'))),
  })
}

/** The folders of a process's cgroup for one controller, its own first, up to the top of the mount. */
function cgroupChain(controller: string, memberships: string, mounts: readonly MountInfo[]) {
  const lines = memberships.split('\n').flatMap((line) => {
    const [, id, names, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? []
    return id === undefined || names === undefined || path === undefined ? [] : [{ id, names: names.split(','), path }]
  })
  const own = lines.find((line) => line.names.includes(controller))
  const unified = own === undefined
  const line = own ?? lines.find((candidate) => candidate.id === '0')
  const mount = mounts.find((candidate) =>
    unified ? candidate.type === 'cgroup2' : candidate.type === 'cgroup' && candidate.superOptions.includes(controller)
  )
  if (!line || !mount || !line.path.startsWith('/')) return { unified, folders: [] }
  const parts = line.path.split('/').filter(Boolean)
  return { unified, folders: parts.map((_, i) => join(mount.target, ...parts.slice(0, parts.length - i))) }
}

async function tightest(
  folders: readonly string[],
  read: (folder: string) => Promise<number | undefined>
): Promise<number | undefined> {
  const found = (await Promise.all(folders.map(read))).filter((limit) => limit !== undefined)
  return found.length === 0 ? undefined : Math.min(...found)
}

async function unifiedCpu(folder: string): Promise<number | undefined> {
  const [quota, period] = ((await read(join(folder, 'cpu.max'))) ?? 'max').split(/\s+/)
  return quota === undefined || quota === 'max' ? undefined : Number(quota) / Number(period)
}

async function quotaCpu(folder: string): Promise<number | undefined> {
  const quota = await readLimit(join(folder, 'cpu.cfs_quota_us'))
  const period = await readLimit(join(folder, 'cpu.cfs_period_us'))
  return quota === undefined || quota < 0 || period === undefined ? undefined : quota / period
}

async function readLimit(path: string): Promise<number | undefined> {
  const text = await read(path)
  return text === undefined || text === 'max' ? undefined : Number(text)
}

const read = (path: string): Promise<string | undefined> =>
  readFile(path, 'latin1').then(
    (text) => text.trim(),
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    }
  )

const defined = (limits: { [Name in keyof CgroupLimits]: number | undefined }): CgroupLimits =>
  Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
