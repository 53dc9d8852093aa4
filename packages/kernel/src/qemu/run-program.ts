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
  execFile(program, [...args], { signal, env, maxBuffer: 1024 * 1024 }, (error, stdout, stderr) => {
    if (!error) resolve(stdout)
    else reject(signal.aborted ? signal.reason : new ProgramFailed(program, stderr.slice(-4096), error))
  })
  return promise
}
