import type { ProcessExit, ProcessHandle, Sandbox } from '@bulkhead/sdk/node'
import { exitCodeOf, followProcess } from './follow-process.ts'
import type { ForwardedSignals } from './forwarded-signals.ts'
import { Capture, type Captured, passThrough } from './output-sink.ts'
import type { ProcessPlan } from './plan.ts'
import { standardInputKind } from './standard-input.ts'
import { rawTerminal, terminalSize, watchTerminalSize } from './terminal.ts'

/** Captured for --json, of each stream; beyond it is cut, and said so. */
const maxCapturedBytes = 64 * 1024 * 1024

export interface ProcessResult {
  readonly exitCode: number
  readonly exit: ProcessExit
  readonly durationMs: number
  /** Only when it was captured. */
  readonly stdout?: Captured
  readonly stderr?: Captured
}

/** Runs the command with this process's own input, output, terminal and signals as its own. */
export async function runProcess(
  sandbox: Sandbox,
  plan: ProcessPlan,
  signals: ForwardedSignals,
  options: { capture: boolean }
): Promise<ProcessResult> {
  using cleanup = new DisposableStack()
  const kind = standardInputKind(plan.tty)
  const capture = options.capture ? new Capture(maxCapturedBytes) : undefined
  const output = capture ?? cleanup.use(passThrough(process.stdout, process.stderr))
  const started = performance.now()
  const exit = await followProcess<ProcessHandle>({
    output,
    input: kind === 'nothing' ? undefined : process.stdin,
    signal: signals.signal,
    start: (sinks) =>
      sandbox.start(plan.command, {
        ...sinks,
        env: { ...(plan.tty && process.env.TERM !== undefined && { TERM: process.env.TERM }), ...plan.env },
        stdin: kind !== 'nothing',
        signal: signals.signal,
        ...(plan.workdir !== undefined && { cwd: plan.workdir }),
        ...(plan.user !== undefined && { user: plan.user }),
        ...(plan.timeoutMs !== undefined && { timeoutMs: plan.timeoutMs }),
        ...(plan.tty && { pty: terminalSize() }),
      }),
    onStart: (child) => {
      if (plan.tty) {
        cleanup.use(rawTerminal())
        // A size that cannot be set now is set by the next change; the command runs on meanwhile.
        cleanup.use(watchTerminalSize((size) => void child.resize(size).catch(() => {})))
      }
      cleanup.use(signals.forwardTo((number) => child.kill(number)))
    },
  })
  return {
    exit,
    exitCode: exitCodeOf(exit),
    durationMs: performance.now() - started,
    ...(capture && { stdout: capture.result('stdout'), stderr: capture.result('stderr') }),
  }
}
