import { readdirSync, readFileSync } from 'node:fs'

/** The command lines, by process id, of the processes that have this text in theirs; it need not be at its start. */
export function processesWith(text: string): Map<number, string> {
  const found = new Map<number, string>()
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const line = commandLineOf(name)
    if (line.includes(text)) found.set(Number(name), line)
  }
  return found
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch (error) {
    // It has ended since it was listed.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return ''
    throw error
  }
}
