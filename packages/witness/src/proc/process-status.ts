import { decodeCapabilities } from './capabilities.ts'

/** What /proc/PID/status says of a process's rights. Source: proc_pid_status(5). */
export interface ProcessStatus {
  /** Real, effective, saved and file system uid, as seen from the reader's user namespace. */
  readonly uids: readonly number[]
  readonly gids: readonly number[]
  readonly supplementaryGids: readonly number[]
  /** 0 none, 1 strict, 2 filter. */
  readonly seccomp: number
  readonly noNewPrivs: boolean
  /** Effective and permitted together: what is permitted can be made effective at any time. */
  readonly capabilities: readonly string[]
}

/** Throws a `TypeError` that names the line which is missing: half a status must not pass for a harmless one. */
export function parseProcessStatus(text: string): ProcessStatus {
  const lines = new Map(
    text.split('\n').map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).trim()]
    })
  )
  const value = (name: string): string => {
    const found = lines.get(name)
    if (found === undefined) throw new TypeError(`/proc status has no line "${name}"`)
    return found
  }
  const numbers = (name: string) => value(name).split(/\s+/).filter(Boolean).map(Number)
  const capabilities = new Set([...decodeCapabilities(value('CapEff')), ...decodeCapabilities(value('CapPrm'))])
  return {
    uids: numbers('Uid'),
    gids: numbers('Gid'),
    supplementaryGids: numbers('Groups'),
    seccomp: Number(value('Seccomp')),
    noNewPrivs: value('NoNewPrivs') === '1',
    capabilities: [...capabilities],
  }
}
