import { failure } from '@bulkhead/wire/errors'
import { type ProcessEvent, Process as ProcessService, type Signal } from '@bulkhead/wire/process'
import { guestFailure } from '../rpc/guest-failure.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import { InputQueue } from './input-queue.ts'
import { OutputQueue } from './output-queue.ts'
import { type ProcessExit, processExit } from './process-exit.ts'
import { type SignalName, signalNumber } from './signals.ts'
import { TimeIsUp, type TimeLimit } from './time-limit.ts'
import { untilAborted } from './until-aborted.ts'

/** How long `stop` waits for the guest to say that it has killed the process. */
const stopMs = 2000

/** Takes a chunk; the next one comes when the promise it may return has resolved. */
export type OutputSink = (chunk: Uint8Array) => void | Promise<void>

export interface ProcessSource {
  readonly rpc: RpcClient
  readonly pid: number
  readonly hasTerminal: boolean
  readonly timeoutMs: number | undefined
  /** Holds `timeoutMs` on this side. */
  readonly limit: TimeLimit
  readonly onStdout: OutputSink | undefined
  readonly onStderr: OutputSink | undefined
  /** Aborting it ends the call that the events come from. */
  readonly following: AbortController
  /** What follows the start event. */
  readonly events: AsyncIterator<ProcessEvent | undefined>
}

/**
 * A process in a sandbox, followed. It lives on when this handle, the client or the server ends; `Sandbox.connect` follows it again.
 *
 * Output that goes to no callback waits in `stdout` and `stderr` to be read, 1 MiB each; beyond it the process is held back. So read
 * both, or give callbacks for what is not of interest. With a terminal all output is `stdout`.
 */
export class ProcessHandle {
  readonly pid: number
  readonly stdout: AsyncIterable<Uint8Array>
  readonly stderr: AsyncIterable<Uint8Array>
  /** Settles when all output has been taken. Rejects when the connection is lost: then how it ended is not known. */
  readonly exit: Promise<ProcessExit>
  readonly #source: ProcessSource
  readonly #input: InputQueue
  readonly #outputs = { stdout: new OutputQueue(), stderr: new OutputQueue() }
  readonly #startedAt = performance.now()

  constructor(source: ProcessSource) {
    this.#source = source
    this.pid = source.pid
    this.stdout = this.#outputs.stdout
    this.stderr = this.#outputs.stderr
    this.#input = new InputQueue((data) => this.#send(data))
    this.exit = this.#follow()
    // Whoever waits for it gets the error; that nobody waits is no reason to end the program.
    this.exit.catch(() => {})
  }

  /**
   * Resolves when the process's stdin has the chunk: a process that does not read makes it wait. False: it takes no more input, having
   * ended or closed stdin. Not to be called before an earlier `closeStdin` has resolved.
   */
  write(chunk: Uint8Array | string): Promise<boolean> {
    return this.#input.write(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk)
  }

  /** End of file for the process, after what was written before. Done twice, or after its end, it is no error. */
  async closeStdin(): Promise<void> {
    await this.#input.write(new Uint8Array())
    await this.#unlessEnded('closeStdin', () =>
      this.#source.rpc.unary(ProcessService.method.closeStdin, { process: this.#selector })
    )
  }

  /** Of the terminal, in characters. */
  async resize(size: { cols: number; rows: number }): Promise<void> {
    await this.#unlessEnded('resize', () =>
      this.#source.rpc.unary(ProcessService.method.update, { process: this.#selector, pty: { size } })
    )
  }

  /** To the whole process group. False when it had ended. */
  kill(signal: SignalName | number = 'SIGTERM', options: { signal?: AbortSignal } = {}): Promise<boolean> {
    const input = {
      process: this.#selector,
      // The enumeration is open: the agent sends any number from 1 to 64 as it is.
      signal: signalNumber(signal) as Signal,
    }
    return this.#unlessEnded('kill', () => this.#source.rpc.unary(ProcessService.method.sendSignal, input, options))
  }

  /** Kills it and stops following. Done within 2 s, whether the guest answers or not, and never fails. `exit` rejects with `reason`. */
  async stop(reason: unknown = stopped()): Promise<void> {
    const { following } = this.#source
    const { signal } = following
    const timer = setTimeout(() => following.abort(reason), stopMs)
    // That it cannot be reached is no news for who leaves it.
    await untilAborted(this.kill('SIGKILL', { signal }), signal).catch(() => false)
    clearTimeout(timer)
    following.abort(reason)
  }

  /** Stops following; the process lives on. `exit` rejects with `connection_lost`. */
  disconnect(): void {
    this.#source.following.abort(stopped())
  }

  get #selector() {
    return { selector: { case: 'pid', value: this.pid } } as const
  }

  async #send(data: Uint8Array): Promise<boolean> {
    const kind = this.#source.hasTerminal ? 'pty' : 'stdin'
    return this.#unlessEnded('write', () =>
      this.#source.rpc.unary(ProcessService.method.sendInput, {
        process: this.#selector,
        input: { input: { case: kind, value: data } },
      })
    )
  }

  /** False when the guest says that the process, or its stdin, is gone. */
  async #unlessEnded(operation: string, call: () => Promise<unknown>): Promise<boolean> {
    try {
      await call()
      return true
    } catch (error) {
      if (error instanceof RpcError && (error.code === 'not_found' || error.code === 'failed_precondition'))
        return false
      throw guestFailure(error, operation)
    }
  }

  async #follow(): Promise<ProcessExit> {
    const { stdout, stderr } = this.#outputs
    try {
      const exit = await this.#untilEnd()
      stdout.end()
      stderr.end()
      return exit
    } catch (error) {
      const reason = guestFailure(error, 'process')
      stdout.end(reason)
      stderr.end(reason)
      throw reason
    }
  }

  async #untilEnd(): Promise<ProcessExit> {
    const { events, timeoutMs, limit, following } = this.#source
    try {
      for (;;) {
        const { done, value } = await untilAborted(limit.wait(events.next()), following.signal)
        if (done) break
        const event = value?.event
        limit.took(event?.case === 'data' ? (event.value.output.value?.byteLength ?? 0) : 0)
        if (event?.case === 'data') {
          const { case: kind, value: chunk } = event.value.output
          const taken = chunk && this.#deliver(kind === 'stderr' ? 'stderr' : 'stdout', chunk)
          if (taken) await untilAborted(taken, following.signal)
        } else if (event?.case === 'end') {
          const exit = processExit(event.value)
          const late = timeoutMs !== undefined && performance.now() - this.#startedAt >= timeoutMs
          return late && exit.kind === 'signalled' && exit.number === 9
            ? { kind: 'timed_out', afterMs: timeoutMs }
            : exit
        }
      }
    } catch (error) {
      if (timeoutMs === undefined) throw error
      if (error instanceof TimeIsUp) await this.stop(error)
      else if (!(error instanceof RpcError && error.code === 'deadline_exceeded')) throw error
      return { kind: 'timed_out', afterMs: timeoutMs }
    } finally {
      // Also when a callback threw: nobody takes further output then. A call that was aborted need not be waited for.
      const left = events.return?.()
      if (following.signal.aborted) left?.catch(() => {})
      else await left
    }
    throw failure('answer_invalid', { operation: 'process', problem: 'it ends without the end of the process' })
  }

  #deliver(kind: 'stdout' | 'stderr', chunk: Uint8Array): void | Promise<void> | undefined {
    if (chunk.byteLength === 0) return undefined
    const sink = kind === 'stdout' ? this.#source.onStdout : this.#source.onStderr
    return sink ? sink(ownBytes(chunk)) : this.#outputs[kind].push(chunk)
  }
}

const stopped = () => failure('connection_lost', { operation: 'process', reason: 'the client stopped following' })

/** What a callback keeps must not keep much more: a copy where the chunk is a small part of the message it came in. */
const ownBytes = (chunk: Uint8Array): Uint8Array =>
  // Not `slice`: in Node the chunk is a Buffer, whose slice is a view.
  chunk.byteLength * 2 < chunk.buffer.byteLength ? new Uint8Array(chunk) : chunk
