import type { ClientHttp2Session } from 'node:http2'
import { Process, type StartResponse } from '@bulkhead/wire/guest'
import { createClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-node'
import type { RunningKernel } from '../../src/index.ts'
import { deadline } from './deadline.ts'

export interface Output {
  readonly stdout: string
  readonly stderr: string
  /** -1 when a signal ended it. */
  readonly exitCode: number
}

/** A client of the data protocol, acting as `user`. */
export function processes(session: ClientHttp2Session, accessToken: string, user = 'root') {
  return createClient(
    Process,
    createConnectTransport({
      baseUrl: 'http://guest',
      httpVersion: '2',
      sessionManager: {
        authority: 'http://guest',
        request: async (method, path, headers, options) =>
          session.request({ ...headers, ':method': method, ':path': path }, options),
        notifyResponseByteRead: () => {},
      },
      interceptors: [
        (next) => (request) => {
          request.header.set('X-Access-Token', accessToken)
          request.header.set('Authorization', `Basic ${Buffer.from(`${user}:`).toString('base64')}`)
          return next(request)
        },
      ],
    })
  )
}

/** Starts a command in the guest; the events of its stream. */
export async function start(
  kernel: RunningKernel,
  command: readonly [string, ...string[]],
  options: { stdin?: boolean; signal?: AbortSignal } = {}
): Promise<AsyncIterable<StartResponse>> {
  const [cmd, ...args] = command
  const session = await kernel.channel(deadline())
  const client = processes(session, kernel.handle.spec.identity.accessToken)
  return client.start(
    { process: { cmd, args }, stdin: options.stdin ?? false },
    { signal: options.signal ?? deadline() }
  )
}

/** Runs a command in the guest to its end. */
export async function run(kernel: RunningKernel, ...command: [string, ...string[]]): Promise<Output> {
  const stdout: Uint8Array[] = []
  const stderr: Uint8Array[] = []
  for await (const { event } of await start(kernel, command)) {
    const happened = event?.event
    if (happened?.case === 'data') {
      const { output } = happened.value
      if (output.case === 'stdout') stdout.push(output.value)
      if (output.case === 'stderr') stderr.push(output.value)
    }
    if (happened?.case === 'end') {
      const text = (chunks: Uint8Array[]) => Buffer.concat(chunks).toString('utf8')
      return { stdout: text(stdout), stderr: text(stderr), exitCode: happened.value.exitCode }
    }
  }
  throw new Error('the stream ended before the command')
}

/** As {@link run}, by a shell; fails when the command does. */
export async function shell(kernel: RunningKernel, script: string): Promise<string> {
  const output = await run(kernel, 'sh', '-c', script)
  if (output.exitCode !== 0) throw new Error(`${script}: exit ${output.exitCode}: ${output.stderr}`)
  return output.stdout.trimEnd()
}

/** Starts what is expected not to answer, because it ends the guest. */
export async function fireAndForget(kernel: RunningKernel, script: string): Promise<void> {
  const events = await start(kernel, ['sh', '-c', script])
  const drain = async () => {
    for await (const _ of events);
  }
  // Its stream breaks when the guest ends: that is the point.
  drain().catch(() => {})
}
