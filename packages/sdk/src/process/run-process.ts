import { isFailure } from '@bulkhead/wire/errors'
import { BoundedBuffer } from '../http/bounded-buffer.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import type { ProcessExit } from './process-exit.ts'
import type { ProcessHandle } from './process-handle.ts'
import { type StartOptions, startProcess } from './start-process.ts'

export interface RunOptions extends Omit<StartOptions, 'stdin'> {
  /** All the input there will be. */
  readonly input?: Uint8Array | string
  /** Of each of stdout and stderr; what comes after is dropped and `truncated` set. Default 64 MiB. */
  readonly maxOutputBytes?: number
}

export interface RunResult {
  readonly exit: ProcessExit
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  readonly truncated: boolean
}

/** Runs `argv` to its end. Fails as `startProcess`, and `connection_lost`; a process that fails is a result. */
export async function runProcess(
  rpc: RpcClient,
  argv: readonly string[],
  { input, maxOutputBytes = 64 * 1024 * 1024, ...options }: RunOptions = {}
): Promise<RunResult> {
  const stdout = new BoundedBuffer(maxOutputBytes)
  const stderr = new BoundedBuffer(maxOutputBytes)
  const exit = await runToEnd(rpc, argv, input, {
    ...options,
    onStdout: async (chunk) => {
      stdout.add(chunk)
      await options.onStdout?.(chunk)
    },
    onStderr: async (chunk) => {
      stderr.add(chunk)
      await options.onStderr?.(chunk)
    },
  })
  options.signal?.throwIfAborted()
  return { exit, stdout: stdout.bytes(), stderr: stderr.bytes(), truncated: stdout.truncated || stderr.truncated }
}

async function runToEnd(
  rpc: RpcClient,
  argv: readonly string[],
  input: Uint8Array | string | undefined,
  options: StartOptions
): Promise<ProcessExit> {
  let handle: ProcessHandle
  try {
    handle = await startProcess(rpc, argv, { ...options, stdin: input !== undefined })
  } catch (error) {
    if (options.timeoutMs === undefined || !isFailure(error, 'command_timed_out')) throw error
    return { kind: 'timed_out', afterMs: options.timeoutMs }
  }
  if (input === undefined) return handle.exit
  // Input that cannot be sent is an error while it runs; once it has ended nobody waits for the guest to take the rest.
  const fed = handle.write(input).then(() => handle.closeStdin())
  return Promise.race([handle.exit, fed.then(() => handle.exit)])
}
