import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { ExitCode, exitCodeOfSignal } from './exit-code.ts'

export interface ForegroundOptions {
  readonly signal: AbortSignal
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

/**
 * Runs a program with our terminal and streams, and resolves with its exit code, or a shell's for a signal that ended it. In the foreground it gets
 * the terminal's Ctrl-C itself; what was sent to us alone is passed on as SIGTERM.
 */
export async function runInForeground(
  [program, ...args]: readonly [string, ...string[]],
  { signal, cwd, env }: ForegroundOptions
): Promise<number> {
  const child = spawn(program, args, { cwd, env, stdio: 'inherit' })
  const passOn = () => void child.kill('SIGTERM')
  signal.addEventListener('abort', passOn, { once: true })
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code, by) =>
        resolve(by ? exitCodeOfSignal(constants.signals[by]) : (code ?? ExitCode.failed))
      )
    })
  } finally {
    signal.removeEventListener('abort', passOn)
  }
}
