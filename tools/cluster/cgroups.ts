import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { failure } from '@bulkhead/wire/errors'
import { signalProcess } from './processes.ts'

/** A cgroup hierarchy of this host: one for each controller in version 1, one for all in version 2; a hybrid host has both. */
interface Hierarchy {
  readonly root: string
  readonly version: 1 | 2
}

const removalDeadlineMs = 10_000

/**
 * Makes the cgroup `name` at the root of every hierarchy: a kubelet wants it in all of them, with something to run on. Version 2 hands the
 * controllers down; untested, for want of a host that has only it.
 */
export async function makeCgroup(name: string): Promise<void> {
  for (const { root, version } of await hierarchies()) {
    const folder = join(root, name)
    await mkdir(folder, { recursive: true })
    if (version === 2) for (const group of [root, folder]) await handDown(group)
    // Empty in a new group of version 1's cpuset, which then takes no process.
    else for (const file of ['cpuset.cpus', 'cpuset.mems']) await copyIfThere(join(root, file), join(folder, file))
  }
}

/** Ends what is in the cgroups whose names start with `prefix`, and removes them, deepest first. Fails `cluster_not_removed`. */
export async function removeCgroups(prefix: string): Promise<void> {
  for (const { root } of await hierarchies()) {
    for (const name of await childrenOf(root)) if (name.startsWith(prefix)) await removeTree(join(root, name))
  }
}

async function removeTree(folder: string): Promise<void> {
  for (const name of await childrenOf(folder)) await removeTree(join(folder, name))
  const deadline = AbortSignal.timeout(removalDeadlineMs)
  // A cgroup is busy until the kernel is done with its last process; no event tells.
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 100)) {
    try {
      return await rmdir(folder)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      if (code !== 'EBUSY' || deadline.aborted) {
        throw failure('cluster_not_removed', { left: `cgroup ${folder}` }, { cause: error })
      }
    }
    for (const pid of await pidsIn(folder)) signalProcess(pid, 'SIGKILL')
    await sleep(waitMs)
  }
}

async function hierarchies(): Promise<Hierarchy[]> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')
  return mounts.flatMap((line): Hierarchy[] => {
    const fields = line.split(' ')
    const type = fields[fields.indexOf('-', 6) + 1]
    const root = fields[4]
    if (root === undefined || (type !== 'cgroup' && type !== 'cgroup2')) return []
    return [{ root, version: type === 'cgroup' ? 1 : 2 }]
  })
}

async function handDown(group: string): Promise<void> {
  const controllers = (await readFile(join(group, 'cgroup.controllers'), 'utf8')).split(/\s+/).filter(Boolean)
  for (const controller of controllers) await writeFile(join(group, 'cgroup.subtree_control'), `+${controller}`)
}

async function copyIfThere(from: string, to: string): Promise<void> {
  const value = await readFile(from, 'utf8').catch(ifMissing(undefined))
  if (value !== undefined) await writeFile(to, value, { flag: 'r+' })
}

const pidsIn = async (folder: string): Promise<number[]> =>
  (await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(ifMissing('')))
    .split('\n')
    .filter(Boolean)
    .map(Number)
    // 0: of a PID namespace that cannot be seen from here.
    .filter((pid) => pid > 0)

async function childrenOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(ifMissing([]))
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}

/** ENODEV: the group was removed after its file had been opened. */
const ifMissing =
  <T>(value: T) =>
  (error: NodeJS.ErrnoException): T => {
    if (error.code === 'ENOENT' || error.code === 'ENODEV') return value
    throw error
  }
