import { failure } from '@bulkhead/wire/errors'
import { type ProcessEvent, Process as ProcessService } from '@bulkhead/wire/process'
import { guestFailure } from '../rpc/guest-failure.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import { type OutputSink, ProcessHandle } from './process-handle.ts'

export interface StartOptions {
  /** Over the sandbox's environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Name or uid; default: the sandbox's. */
  readonly user?: string
  /** Gives the process a terminal of this size, in characters. */
  readonly pty?: { readonly cols: number; readonly rows: number }
  /** Whether `write` will be used; default false: stdin is /dev/null. A terminal always takes input. */
  readonly stdin?: boolean
  /** Kills the process this long after its start, whoever still follows it. */
  readonly timeoutMs?: number
  /** A name to find the process by. */
  readonly tag?: string
  /** Aborting kills the process. */
  readonly signal?: AbortSignal
  readonly onStdout?: OutputSink
  readonly onStderr?: OutputSink
}

/**
 * Starts `argv` in the guest. Resolves when it runs. Fails `command_not_found`, `command_not_executable`, `invalid_request` (cwd, user).
 */
export async function startProcess(
  rpc: RpcClient,
  argv: readonly string[],
  options: StartOptions = {}
): Promise<ProcessHandle> {
  const [cmd, ...args] = argv
  if (cmd === undefined) throw failure('invalid_request', { field: 'argv', problem: 'is empty' })
  const { env, cwd, user, pty, stdin = false, timeoutMs, tag, signal, onStdout, onStderr } = options
  signal?.throwIfAborted()
  const following = new AbortController()
  // An abort does not end the call: in the guest the process may run already, and only its pid, which comes first, gets it killed.
  const events = eventsOf(
    rpc.serverStream(
      ProcessService.method.start,
      {
        process: { cmd, args, envs: { ...env }, ...(cwd !== undefined && { cwd }) },
        stdin: stdin || pty !== undefined,
        ...(pty && { pty: { size: pty } }),
        ...(tag !== undefined && { tag }),
      },
      { user, timeoutMs, signal: following.signal }
    )
  )
  const pid = await firstPid(events).catch((error: unknown) => {
    throw startFailure(error, cmd)
  })
  const hasTerminal = pty !== undefined
  const handle = new ProcessHandle({ rpc, pid, hasTerminal, timeoutMs, onStdout, onStderr, following, events })
  if (signal) killOnAbort(handle, signal)
  return handle
}

/** Follows a process that runs. Fails `guest_call_failed` when there is none. */
export async function followProcess(
  rpc: RpcClient,
  which: { pid: number } | { tag: string },
  options: { hasTerminal?: boolean; onStdout?: OutputSink; onStderr?: OutputSink } = {}
): Promise<ProcessHandle> {
  const selector =
    'pid' in which ? ({ case: 'pid', value: which.pid } as const) : ({ case: 'tag', value: which.tag } as const)
  const { hasTerminal = false, onStdout, onStderr } = options
  const following = new AbortController()
  const { signal } = following
  const events = eventsOf(rpc.serverStream(ProcessService.method.connect, { process: { selector } }, { signal }))
  const pid = await firstPid(events).catch((error: unknown) => {
    throw guestFailure(error, 'process.connect')
  })
  return new ProcessHandle({ rpc, pid, hasTerminal, timeoutMs: undefined, onStdout, onStderr, following, events })
}

async function* eventsOf(
  messages: AsyncIterable<{ event?: ProcessEvent | undefined }>
): AsyncGenerator<ProcessEvent | undefined, void, void> {
  for await (const { event } of messages) yield event
}

async function firstPid(events: AsyncGenerator<ProcessEvent | undefined>): Promise<number> {
  const first = await events.next()
  if (!first.done && first.value?.event.case === 'start') return first.value.event.value.pid
  await events.return(undefined)
  throw failure('answer_invalid', { operation: 'process.start', problem: 'it does not begin with the start' })
}

function killOnAbort(handle: ProcessHandle, signal: AbortSignal): void {
  // A connection that is gone is reported by `exit`; there is nobody else to tell here.
  const kill = () => void handle.kill('SIGKILL').catch(() => {})
  if (signal.aborted) kill()
  else signal.addEventListener('abort', kill)
  const done = () => signal.removeEventListener('abort', kill)
  handle.exit.then(done, done)
}

function startFailure(error: unknown, command: string): unknown {
  if (!(error instanceof RpcError)) return error
  const cause = { cause: error }
  switch (error.code) {
    case 'not_found':
      return failure('command_not_found', { command, detail: error.message }, cause)
    case 'permission_denied':
      return failure('command_not_executable', { command, detail: error.message }, cause)
    case 'invalid_argument':
    case 'unauthenticated':
      return failure('invalid_request', { field: 'process', problem: error.message }, cause)
    default:
      return guestFailure(error, 'process.start')
  }
}
