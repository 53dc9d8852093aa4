import { failure } from '@bulkhead/wire/errors'
import { type ProcessEvent, Process as ProcessService } from '@bulkhead/wire/process'
import { guestFailure } from '../rpc/guest-failure.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import { type OutputSink, ProcessHandle } from './process-handle.ts'
import { TimeIsUp, TimeLimit } from './time-limit.ts'
import { untilAborted } from './until-aborted.ts'

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
  /** Kills the process this long after its start, whoever still follows it. A guest that does not is left 2 s later, as timed out. */
  readonly timeoutMs?: number
  /** A name to find the process by. */
  readonly tag?: string
  /** Aborting kills the process. A guest that has not said 2 s later that it ended is left, and `exit` rejects with the reason. */
  readonly signal?: AbortSignal
  readonly onStdout?: OutputSink
  readonly onStderr?: OutputSink
}

/** How long the guest may take to do what an abort asks of it. */
const abortGraceMs = 2000

/**
 * Starts `argv` in the guest. Resolves when it runs. Fails `command_not_found`, `command_not_executable`, `invalid_request` (cwd, user),
 * `command_timed_out`.
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
  const limit = new TimeLimit(timeoutMs)
  const undo: Disposable[] = [limit]
  const done = () => {
    for (const each of undo) each[Symbol.dispose]()
  }
  // An abort does not end the call at once: in the guest the process may run already, and only its pid, which comes first, gets it killed.
  if (signal) undo.push(leaveAfterAbort(signal, following))
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
  const pid = await untilAborted(limit.wait(firstPid(events)), following.signal).catch((error: unknown) => {
    done()
    following.abort(error)
    if (error instanceof TimeIsUp) throw failure('command_timed_out', { command: cmd, timeoutMs: timeoutMs ?? 0 })
    throw startFailure(error, cmd)
  })
  const hasTerminal = pty !== undefined
  const handle = new ProcessHandle({ rpc, pid, hasTerminal, timeoutMs, limit, onStdout, onStderr, following, events })
  if (signal) undo.push(killOnAbort(handle, signal))
  handle.exit.then(done, done)
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
  const limit = new TimeLimit(undefined)
  return new ProcessHandle({
    rpc,
    pid,
    hasTerminal,
    timeoutMs: undefined,
    limit,
    onStdout,
    onStderr,
    following,
    events,
  })
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

function killOnAbort(handle: ProcessHandle, signal: AbortSignal): Disposable {
  // A connection that is gone is reported by `exit`; there is nobody else to tell here.
  return onAbort(signal, () => void handle.kill('SIGKILL').catch(() => {}))
}

/** A guest that is silent after an abort is not waited for. */
function leaveAfterAbort(signal: AbortSignal, following: AbortController): Disposable {
  let timer: ReturnType<typeof setTimeout> | undefined
  const listening = onAbort(signal, () => {
    timer = setTimeout(() => following.abort(signal.reason), abortGraceMs)
  })
  return {
    [Symbol.dispose]() {
      listening[Symbol.dispose]()
      clearTimeout(timer)
    },
  }
}

function onAbort(signal: AbortSignal, act: () => void): Disposable {
  if (signal.aborted) act()
  else signal.addEventListener('abort', act)
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', act) }
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
