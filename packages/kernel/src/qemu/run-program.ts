import { execFile } from 'node:child_process'

/** A tool of the host ended badly. `stderr`: its last words, at most 4 KiB. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed'
  readonly stderr: string
  constructor(program: string, stderr: string, cause: unknown) {
    super(`${program}: ${stderr.trim().split('\n').at(-1) || 'failed without a word'}`, { cause })
    this.stderr = stderr
  }
}

/** Runs a tool of the host to its end, with an empty environment but `PATH`. Rejects with {@link ProgramFailed} or the signal's reason. */
export function runProgram(program: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
  const options = { signal, env, maxBuffer: 1024 * 1024, killSignal: 'SIGKILL' } as const
  const child = execFile(program, [...args], options, (error, stdout, stderr) => {
    if (!error) return resolve(stdout)
    const reason = signal.aborted ? signal.reason : new ProgramFailed(program, stderr.slice(-4096), error)
    // Killed, it has not ended yet: whoever cleans up after it must find nobody there.
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) reject(reason)
    else child.once('exit', () => reject(reason))
  })
  return promise
}
