import { readFile, watch } from 'node:fs/promises'
import { isRecord } from './qmp-client.ts'

/** What bwrap tells of the program it started. */
export interface VmmStatus {
  /** Its pid, as this process counts. */
  readonly pid: number | undefined
  /** Once it has ended; 128 + n for signal n. */
  readonly exitCode: number | undefined
}

/** Reads the file that bwrap's `--json-status-fd` writes: a JSON object a line. Written by bwrap before and after the program, never by it. */
export async function readVmmStatus(path: string): Promise<VmmStatus> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  let pid: number | undefined
  let exitCode: number | undefined
  for (const line of text.split('\n')) {
    // The last line may be in the middle of being written.
    if (!line.endsWith('}')) continue
    const entry: unknown = JSON.parse(line)
    if (!isRecord(entry)) continue
    if (typeof entry['child-pid'] === 'number') pid = entry['child-pid']
    if (typeof entry['exit-code'] === 'number') exitCode = entry['exit-code']
  }
  return { pid, exitCode }
}

/** Waits until the file tells of the program's end. Undefined when it does not within `graceMs`. */
export async function untilVmmEnd(path: string, graceMs: number): Promise<number | undefined> {
  const deadline = AbortSignal.timeout(graceMs)
  try {
    // The watch begins before the first look, so that nothing falls between the two.
    const changes = watch(path, { signal: deadline })
    const first = changes[Symbol.asyncIterator]().next()
    first.catch(() => {})
    for (let next = first; ; next = changes[Symbol.asyncIterator]().next()) {
      const { exitCode } = await readVmmStatus(path)
      if (exitCode !== undefined) return exitCode
      await next
    }
  } catch (error) {
    if (deadline.aborted || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
