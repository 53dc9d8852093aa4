import { readdir, readFile, readlink } from 'node:fs/promises'
import { CgroupParent } from '../../src/confine/cgroup.ts'
import type { RunningKernel } from '../../src/index.ts'

/** What /proc says of one of a kernel's processes. */
export interface ConfinedProcess {
  readonly pid: number
  /** Its arguments, joined by spaces. */
  readonly command: string
  readonly inCgroup: boolean
  readonly ownUserNamespace: boolean
  /** Lines of /proc/PID/status, each distinct one over all threads: a thread has rights of its own. */
  readonly status: (name: string) => readonly string[]
}

/** Every process of the kernel's cgroup, and under gVisor the holder above them. */
export async function confinedProcesses(kernel: RunningKernel, cgroupRoot: string): Promise<ConfinedProcess[]> {
  const { runtime, spec, detail } = kernel.handle
  const cgroup = await (await CgroupParent.open(cgroupRoot)).find(`${runtime}-${spec.id}`)
  if (!cgroup) throw new Error(`${spec.id} has no cgroup`)
  const inside = await cgroup.processes()
  const parent = (detail.parent as { pid: number } | undefined)?.pid
  const holder = parent === undefined ? [] : [Number((await statusOf(parent, parent)).get('PPid'))]
  const all = await Promise.all([...inside, ...holder].map((pid) => look(pid, inside.includes(pid))))
  return all.filter((one) => one !== undefined)
}

/** Undefined when it has ended in the meantime. */
async function look(pid: number, inCgroup: boolean): Promise<ConfinedProcess | undefined> {
  try {
    const threads = await readdir(`/proc/${pid}/task`)
    const statuses = await Promise.all(threads.map((thread) => statusOf(pid, Number(thread))))
    return {
      pid,
      command: (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim(),
      inCgroup,
      ownUserNamespace: (await readlink(`/proc/${pid}/ns/user`)) !== (await readlink('/proc/self/ns/user')),
      status: (name) => [...new Set(statuses.map((one) => one.get(name) ?? 'missing'))],
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}

async function statusOf(pid: number, thread: number): Promise<Map<string, string>> {
  const text = await readFile(`/proc/${pid}/task/${thread}/status`, 'utf8')
  return new Map(text.split('\n').map((line) => line.split(/:\s*/, 2) as [string, string]))
}
