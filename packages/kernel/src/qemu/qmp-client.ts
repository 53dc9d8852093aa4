import type { Socket } from 'node:net'

/** An event as QEMU sent it. Not trusted: whoever breaks out of the guest speaks here. */
export interface QmpEvent {
  readonly name: string
  readonly data: Readonly<Record<string, unknown>>
}

/** QEMU refused a command. `description` is its own text. */
export class QmpError extends Error {
  override readonly name = 'QmpError'
  readonly description: string
  constructor(command: string, description: string) {
    super(`QEMU refused ${command}: ${description}`)
    this.description = description
  }
}

/** An answer, at most: the guest's serial line is in one of them. */
const maxLineBytes = 1024 * 1024
/** An event holds a few short names. */
const maxEventBytes = 64 * 1024
/** More than QEMU ever says: who sends more has broken out and wants this process's memory and time. */
const maxBytesPerSecond = 1024 * 1024
/** QEMU itself says a few lines a second at most; who says more has broken out and wants this process's time. */
const maxLinesPerSecond = 512

interface Pending {
  readonly command: string
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * QEMU's monitor (QMP) over a socket: commands answered in order, events given to listeners as they come. Lines, their number and bytes per
 * second and the types in them are checked; a peer that breaks the protocol is cut off. Specification: qemu docs/interop/qmp-spec.
 */
export class QmpClient implements AsyncDisposable {
  readonly #socket: Socket
  readonly #pending = new Map<number, Pending>()
  readonly #listeners = new Set<(event: QmpEvent) => void>()
  /** Told when the connection ends: who waits for an event then waits in vain. */
  readonly #waiting = new Set<(reason: Error) => void>()
  readonly #closed = Promise.withResolvers<Error>()
  readonly #greeting = Promise.withResolvers<{ version: string }>()
  #partial: Buffer[] = []
  #partialBytes = 0
  #nextId = 1
  #linesThisSecond = 0
  #bytesThisSecond = 0
  #second = 0
  #breather: NodeJS.Timeout | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#greeting.promise.catch(() => {})
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (error) => this.#end(error))
    socket.on('close', () => this.#end(new Error('QEMU closed its monitor')))
  }

  /** Waits for the greeting and takes up commands. The client owns the socket. Rejects with the signal's reason or why the socket ended. */
  static async open(socket: Socket, signal: AbortSignal): Promise<QmpClient> {
    const client = new QmpClient(socket)
    try {
      await client.#unlessAborted(client.#greeting.promise, signal)
      await client.execute('qmp_capabilities', {}, signal)
      return client
    } catch (error) {
      client.#end(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }

  /** Resolves, with the reason, when the connection has ended: QEMU is gone, or this client was disposed. */
  get closed(): Promise<Error> {
    return this.#closed.promise
  }

  get isClosed(): boolean {
    return this.#socket.destroyed
  }

  /** E.g. `10.0.2`. */
  async version(): Promise<string> {
    return (await this.#greeting.promise).version
  }

  /** Resolves with `return` of the answer, unchecked. Rejects with {@link QmpError}, the signal's reason, or why the connection ended. */
  execute(command: string, args: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const id = this.#nextId++
    this.#pending.set(id, { command, resolve, reject })
    if (this.#socket.destroyed) reject(new Error('QEMU has closed its monitor'))
    else this.#socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`)
    return this.#unlessAborted(promise, signal).finally(() => this.#pending.delete(id))
  }

  /** Calls `listener` for each event until the returned function is called. */
  listen(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Resolves with the first event from now on that `matches`. */
  event(matches: (event: QmpEvent) => boolean, signal: AbortSignal): Promise<QmpEvent> {
    const { promise, resolve, reject } = Promise.withResolvers<QmpEvent>()
    const stop = this.listen((event) => {
      if (matches(event)) resolve(event)
    })
    if (this.#socket.destroyed) reject(new Error('QEMU has closed its monitor'))
    this.#waiting.add(reject)
    return this.#unlessAborted(promise, signal).finally(() => {
      stop()
      this.#waiting.delete(reject)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end(new Error('the monitor was closed'))
  }

  #receive(chunk: Buffer): void {
    this.#tick()
    this.#bytesThisSecond += chunk.length
    if (this.#bytesThisSecond > maxBytesPerSecond) {
      this.#end(new Error(`QEMU sent more than ${maxBytesPerSecond} bytes in a second`))
      return
    }
    let from = 0
    for (;;) {
      const newline = chunk.indexOf(0x0a, from)
      const piece = chunk.subarray(from, newline < 0 ? undefined : newline)
      this.#partialBytes += piece.length
      if (this.#partialBytes > maxLineBytes) {
        this.#end(new Error(`QEMU sent a line of more than ${maxLineBytes} bytes`))
        return
      }
      if (piece.length > 0) this.#partial.push(piece)
      if (newline < 0) return
      const line = Buffer.concat(this.#partial).toString('utf8').trim()
      this.#partial = []
      this.#partialBytes = 0
      from = newline + 1
      if (line !== '' && !this.#accept(line)) return
    }
  }

  /** False when the peer broke the protocol and was cut off. */
  #accept(line: string): boolean {
    this.#slowDown()
    let message: unknown
    try {
      message = JSON.parse(line)
    } catch (cause) {
      this.#end(new Error('QEMU sent a line that is not JSON', { cause }))
      return false
    }
    if (!isRecord(message)) {
      this.#end(new Error('QEMU sent a line that is not an object'))
      return false
    }
    if (typeof message.event === 'string' && line.length > maxEventBytes) {
      this.#end(new Error(`QEMU sent an event of more than ${maxEventBytes} bytes`))
      return false
    }
    if (isRecord(message.QMP)) this.#greeting.resolve({ version: versionOf(message.QMP) })
    else if (typeof message.event === 'string') this.#emit(message.event, isRecord(message.data) ? message.data : {})
    else if (typeof message.id === 'number') this.#answer(message.id, message)
    return true
  }

  #emit(name: string, data: Record<string, unknown>): void {
    for (const listener of [...this.#listeners]) listener({ name, data })
  }

  #answer(id: number, message: Record<string, unknown>): void {
    const pending = this.#pending.get(id)
    if (!pending) return
    if ('return' in message) {
      pending.resolve(message.return)
      return
    }
    const description = isRecord(message.error) ? message.error.desc : undefined
    pending.reject(
      new QmpError(pending.command, typeof description === 'string' ? description.slice(0, 1000) : 'no reason given')
    )
  }

  #tick(): void {
    const now = Math.floor(performance.now() / 1000)
    if (now === this.#second) return
    this.#second = now
    this.#linesThisSecond = 0
    this.#bytesThisSecond = 0
  }

  #slowDown(): void {
    this.#tick()
    if (++this.#linesThisSecond !== maxLinesPerSecond) return
    this.#socket.pause()
    this.#breather = setTimeout(() => this.#socket.resume(), 1000)
    this.#breather.unref()
  }

  #end(reason: Error): void {
    clearTimeout(this.#breather)
    this.#partial = []
    this.#socket.on('error', () => {})
    this.#socket.destroy()
    this.#greeting.reject(reason)
    this.#closed.resolve(reason)
    for (const pending of this.#pending.values()) pending.reject(reason)
    for (const reject of this.#waiting) reject(reason)
  }

  async #unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
    if (signal.aborted) {
      promise.catch(() => {})
      throw signal.reason
    }
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([promise, aborted])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function versionOf(greeting: Record<string, unknown>): string {
  const numbers = isRecord(greeting.version) && isRecord(greeting.version.qemu) ? greeting.version.qemu : {}
  return [numbers.major, numbers.minor, numbers.micro].map((part) => (typeof part === 'number' ? part : '?')).join('.')
}
