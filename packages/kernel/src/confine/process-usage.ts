import { readFile } from 'node:fs/promises'
import type { KernelUsage } from '../contract.ts'

/** Linux fixes both for what it tells programs: USER_HZ, and the page size of amd64. */
const ticksPerSecond = 100
const pageBytes = 4096

/** Where there is no cgroup to ask: the one process that is the kernel, without its helpers. Sources: proc_pid_stat(5), proc_pid_statm(5). */
export async function processUsage(pid: number): Promise<KernelUsage> {
  const [stat, statm] = await Promise.all(['stat', 'statm'].map((name) => readFile(`/proc/${pid}/${name}`, 'latin1')))
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? []
  return {
    memoryBytes: Number(statm?.split(' ')[1]) * pageBytes,
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    processes: 1,
  }
}
