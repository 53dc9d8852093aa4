import { mkdtemp, rm } from 'node:fs/promises'
import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
} from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { ErrorBody } from '@bulkhead/wire'
import { type RunningServer, type ServerOptions, startServer } from '../start-server.ts'
import { TestBackend } from './test-backend.ts'

export interface LogLine {
  readonly level: string
  readonly message: string
  readonly [fact: string]: unknown
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

interface Sent {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Buffer
}

/** A server in front of a {@link TestBackend}, on a socket in a folder of its own. */
export class TestServer implements AsyncDisposable {
  readonly folder: string
  readonly backend: TestBackend
  readonly log: LogLine[]
  readonly #server: RunningServer
  readonly #agent = new Agent({ keepAlive: true })
  readonly #undo: AsyncDisposableStack

  private constructor(
    folder: string,
    backend: TestBackend,
    log: LogLine[],
    server: RunningServer,
    undo: AsyncDisposableStack
  ) {
    this.#server = server
    this.folder = folder
    this.backend = backend
    this.log = log
    this.#undo = undo
  }

  static async start(
    options: Partial<Omit<ServerOptions, 'backend'>> = {},
    backend = new TestBackend()
  ): Promise<TestServer> {
    await using undo = new AsyncDisposableStack()
    const folder = await mkdtemp(path.join(os.tmpdir(), 'bh-server-'))
    undo.defer(() => rm(folder, { recursive: true }))
    const log: LogLine[] = []
    const level = (name: string) => (facts: object, message: string) =>
      void log.push({ ...facts, level: name, message })
    const logger = { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') }
    const server = undo.use(
      await startServer({ backend, logger, listen: { unix: path.join(folder, 'server.sock') }, ...options })
    )
    return new TestServer(folder, backend, log, server, undo.move())
  }

  get socketPath(): string {
    return path.join(this.folder, 'server.sock')
  }

  /** The call with its head sent, for tests that look at it while it is under way. */
  open(target: string, { method = 'GET', headers = {} }: Sent = {}): ClientRequest {
    const call = request({ socketPath: this.socketPath, path: target, method, headers, agent: this.#agent })
    call.on('error', () => {})
    return call
  }

  async call(target: string, sent: Sent = {}): Promise<Answer> {
    const call = request({
      socketPath: this.socketPath,
      path: target,
      method: sent.method ?? 'GET',
      headers: sent.headers ?? {},
      agent: this.#agent,
    })
    const answer = new Promise<IncomingMessage>((resolve, reject) =>
      call.once('response', resolve).once('error', reject)
    )
    call.end(sent.body)
    const response = await answer
    const body = Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>))
    return { status: response.statusCode ?? 0, headers: response.headers, body }
  }

  async json(target: string, body: unknown, method = 'POST'): Promise<{ status: number; body: unknown }> {
    const answer = await this.call(target, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: answer.status, body: answer.body.length ? JSON.parse(answer.body.toString()) : undefined }
  }

  /** What comes back for bytes that no client library would send. */
  async raw(bytes: string | Buffer): Promise<string> {
    const socket = net.connect(this.socketPath)
    socket.on('error', () => {})
    socket.write(bytes)
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    await new Promise((resolve) => socket.once('close', resolve))
    return Buffer.concat(chunks).toString('latin1')
  }

  close(): Promise<void> {
    return this.#server.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy()
    await this.#undo.disposeAsync()
  }
}

export const errorOf = (answer: Answer): ErrorBody => JSON.parse(answer.body.toString())
