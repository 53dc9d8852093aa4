import { join } from 'node:path'
import { readText } from './read-text.ts'

/** Field 22 of /proc/PID/stat: clock ticks from the host's boot to the process's start. Undefined when it has gone. Source: proc_pid_stat(5). */
export async function startTimeOf(processFolder: string): Promise<string | undefined> {
  try {
    const stat = await readText(join(processFolder, 'stat'))
    // The second field, in parentheses, is the program's own name and may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}
