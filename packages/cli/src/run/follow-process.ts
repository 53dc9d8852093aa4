import type { Readable } from 'node:stream'
import type { ProcessExit, ProcessHandle } from '@bulkhead/sdk'
import { isFailure } from '@bulkhead/wire/errors'
import { ExitCode, exitCodeOfSignal } from '../exit-code.ts'
import type { OutputSink } from './output-sink.ts'

/** What is used of the SDK's process. */
export type GuestProcess = Pick<ProcessHandle, 'exit' | 'write' | 'closeStdin' | 'stop'>

/** Where its output goes; handed to the SDK when the process is started. */
export interface Sinks {
  readonly onStdout: (chunk: Uint8Array) => Promise<void> | void
  readonly onStderr: (chunk: Uint8Array) => Promise<void> | void
}

export interface FollowOptions<Process> {
  readonly start: (sinks: Sinks) => Promise<Process>
  /** It runs now. */
  readonly onStart?: (process: Process) => void
  readonly output: OutputSink
  /** Undefined: the command was started without input. */
  readonly input: Readable | undefined
  readonly signal: AbortSignal
}

/**
 * Starts a command and passes output and input through until it has ended. An abort kills it. Rejects with the abort's reason, `ReaderGone`, or
 * what the connection failed with, soon, whether the guest answers or not; the command has been killed then, if it could still be reached.
 */
export async function followProcess<Process extends GuestProcess>(
  options: FollowOptions<Process>
): Promise<ProcessExit> {
  const { signal, input, output } = options
  // The first thing that breaks on our side. It is raced with the end, so it must not count as unhandled when the end wins.
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {})
  const passOn = (to: 'stdout' | 'stderr') => (chunk: Uint8Array) => {
    const written = output.write(to, chunk)
    return written?.catch((error: unknown) => {
      broken.reject(error)
      throw error
    })
  }
  const abort = () => broken.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  let child: Process | undefined
  try {
    child = await options.start({ onStdout: passOn('stdout'), onStderr: passOn('stderr') })
    if (signal.aborted) abort()
    options.onStart?.(child)
    // Input that is not read to its end is normal (`head -1`): how the command ended is what counts.
    if (input) sendInput(child, input).catch(() => {})
    return await Promise.race([child.exit, broken.promise])
  } catch (error) {
    // In a sandbox that is kept it must not go on unseen. If it cannot be reached, the error at hand says why.
    await child?.stop(error)
    if (isFailure(error, 'command_timed_out')) return { kind: 'timed_out', afterMs: Number(error.facts.timeoutMs) }
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
    input?.destroy()
  }
}

/** With back-pressure, then end of file. */
async function sendInput(child: GuestProcess, input: Readable): Promise<void> {
  for await (const chunk of input as AsyncIterable<Buffer>) if (!(await child.write(chunk))) return
  await child.closeStdin()
}

/** What `run` and `exec` end with. */
export function exitCodeOf(exit: ProcessExit): number {
  switch (exit.kind) {
    case 'exited':
      return exit.code
    case 'signalled':
      return exitCodeOfSignal(exit.number)
    case 'timed_out':
      return ExitCode.timedOut
  }
}
