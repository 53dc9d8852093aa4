import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseMountInfo } from '../proc/mount-info.ts'
import type { NodeProcesses } from './node-processes.ts'

/** A kubelet's trees: its own root, `kubepods`, the quality of service, the pod; with systemd a folder more for each dash. */
const deepest = 8

/**
 * Which processes are in a pod, by the node's cgroups: a process cannot leave them by forking, and its children are in there, too. Paths in
 * /proc/PID/cgroup are not used: they are relative to the cgroup namespace of whoever reads them.
 */
export class PodCgroups {
  readonly #processes: NodeProcesses
  #folders: ReadonlyMap<string, string> = new Map()
  #root: string | undefined

  constructor(processes: NodeProcesses) {
    this.#processes = processes
  }

  /** Undefined when the node has no cgroup for it. `uid`: the pod's. */
  processesOf(uid: string): ReadonlySet<number> | undefined {
    const known = this.#folders.get(uid)
    const pids = known && pidsBelow(known)
    if (pids) return pids
    this.#folders = podFolders(this.#rootFolder())
    const folder = this.#folders.get(uid)
    return folder === undefined ? undefined : pidsBelow(folder)
  }

  /** Of version 2 where that is what controls, else of version 1's `pids`, in which a kubelet makes the same folders. */
  #rootFolder(): string {
    if (this.#root) return this.#root
    const mounts = parseMountInfo(this.#processes.mounts())
    const controlling = mounts.find(({ type, superOptions }) => type === 'cgroup' && superOptions.includes('pids'))
    const mount = controlling ?? mounts.find(({ type }) => type === 'cgroup2')
    if (!mount) throw new Error('the node has no cgroups mounted')
    this.#root = this.#processes.onNode(mount.target)
    return this.#root
  }
}

/** By uid. A kubelet names them `podUID`, or with systemd `…-podUID.slice` with underscores in the uid. */
const podFolder = /^(?:.*-)?pod([0-9a-f]{8}(?:[-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12})(?:\.slice)?$/

function podFolders(root: string): Map<string, string> {
  const found = new Map<string, string>()
  const walk = (folder: string, depth: number) => {
    for (const name of subfolders(folder)) {
      const uid = podFolder.exec(name)?.[1]?.replaceAll('_', '-')
      if (uid) found.set(uid, join(folder, name))
      else if (depth < deepest) walk(join(folder, name), depth + 1)
    }
  }
  walk(root, 1)
  return found
}

/** Undefined when the folder is gone. */
function pidsBelow(folder: string): Set<number> | undefined {
  let text: string
  try {
    text = readFileSync(join(folder, 'cgroup.procs'), 'latin1')
  } catch (error) {
    if (isGone(error)) return undefined
    // Of a threaded cgroup: its processes are listed in the one above.
    if ((error as NodeJS.ErrnoException).code !== 'EOPNOTSUPP') throw error
    text = ''
  }
  const pids = new Set(text.split('\n').filter(Boolean).map(Number))
  for (const name of subfolders(folder)) for (const pid of pidsBelow(join(folder, name)) ?? []) pids.add(pid)
  return pids
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  } catch (error) {
    if (isGone(error)) return []
    throw error
  }
}

const isGone = (error: unknown): boolean => ['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')
