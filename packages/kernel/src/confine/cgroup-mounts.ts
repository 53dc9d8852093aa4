import { access, constants, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The controllers a kernel is limited or measured by. `cpuacct` measures, `freezer` helps to end; both are version 1's. */
export const controllers = ['memory', 'cpu', 'cpuacct', 'pids', 'freezer'] as const
export type Controller = (typeof controllers)[number]

/** What this machine and this user can have of cgroups. */
export type CgroupMounts =
  /** One tree for all. `root`: where it is mounted. */
  | { readonly version: 2; readonly root: string; readonly controllers: readonly Controller[] }
  /** A tree for each controller (two may share one): the mount point of each that can be written to. */
  | { readonly version: 1; readonly roots: ReadonlyMap<Controller, string> }
  | { readonly version: undefined; readonly reason: string }

/**
 * Looks at /proc/self/mountinfo. Version 1 counts when it has `memory` (a machine may mount an empty version 2 tree beside it).
 * `self`: another file, for tests.
 */
export async function findCgroupMounts(self = '/proc/self/mountinfo'): Promise<CgroupMounts> {
  const mounts = parseMountInfo(await readFile(self, 'utf8').catch(() => ''))
  const roots = new Map<Controller, string>()
  for (const mount of mounts) {
    if (mount.type !== 'cgroup') continue
    for (const controller of controllers) {
      if (mount.superOptions.includes(controller) && (await writable(mount.target))) roots.set(controller, mount.target)
    }
  }
  if (roots.has('memory')) return { version: 1, roots }

  const unified = mounts.find((mount) => mount.type === 'cgroup2')
  if (!unified) return { version: undefined, reason: 'no cgroup file system is mounted' }
  if (!(await writable(unified.target))) {
    return { version: undefined, reason: `${unified.target} cannot be written to by this user` }
  }
  const offered = (await readFile(join(unified.target, 'cgroup.controllers'), 'utf8').catch(() => '')).split(/\s+/)
  const found = controllers.filter((controller) => offered.includes(controller))
  if (!found.includes('memory')) return { version: undefined, reason: 'the kernel offers no memory controller' }
  return { version: 2, root: unified.target, controllers: found }
}

interface Mount {
  readonly target: string
  readonly type: string
  readonly superOptions: readonly string[]
}

/** Source: proc_pid_mountinfo(5). The optional fields end with a lone `-`. */
function parseMountInfo(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split(' ')
    const dash = fields.indexOf('-', 6)
    const [target, type, options] = [fields[4], fields[dash + 1], fields[dash + 3]]
    if (dash < 0 || target === undefined || type === undefined || options === undefined) return []
    return [{ target, type, superOptions: options.split(',') }]
  })
}

const writable = (path: string) =>
  access(path, constants.W_OK).then(
    () => true,
    () => false
  )
