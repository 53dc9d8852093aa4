import { readFile } from 'node:fs/promises'

/** A process for good: a pid alone may be another's tomorrow. */
export interface ProcessIdentity {
  readonly pid: number
  /** Field 22 of /proc/PID/stat: clock ticks after the host's boot. */
  readonly startTime: string
}

/** Undefined when there is no such process, or it has ended and only waits to be collected. Source: proc_pid_stat(5). */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  let stat: string
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'latin1')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
  // The second field is the program's own name, in parentheses, and may hold anything, also parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTime] = [fields[0], fields[19]]
  if (state === 'Z' || state === 'X' || startTime === undefined) return undefined
  return { pid, startTime }
}

export async function isAlive(process: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(process.pid))?.startTime === process.startTime
}
