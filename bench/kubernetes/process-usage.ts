import { readFileSync } from 'node:fs'

/** Of a process with all its threads, so far. */
export interface ProcessUsage {
  /** In user mode and in the kernel. */
  readonly cpuSeconds: number
  /** Resident now, and at its most. */
  readonly rssBytes: number
  readonly peakRssBytes: number
}

/** USER_HZ: what the kernel counts in for everyone to read, whatever its own clock; 100 on every architecture that Node runs on. */
const ticksPerSecond = 100

export const usageOf = (pid: number): ProcessUsage =>
  parseUsage(readFileSync(`/proc/${pid}/stat`, 'utf8'), readFileSync(`/proc/${pid}/status`, 'utf8'))

/** `stat`, `status`: the files of these names in /proc/PID, see proc(5). */
export function parseUsage(stat: string, status: string): ProcessUsage {
  // The second field is the program's name in parentheses, which may have spaces and parentheses itself; the third is the state.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[14 - 3]) + Number(fields[15 - 3])
  const bytes = (name: string) => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
    if (kib === undefined) throw new Error(`/proc/PID/status has no ${name}: the process has ended`)
    return Number(kib) * 1024
  }
  return { cpuSeconds: ticks / ticksPerSecond, rssBytes: bytes('VmRSS'), peakRssBytes: bytes('VmHWM') }
}
