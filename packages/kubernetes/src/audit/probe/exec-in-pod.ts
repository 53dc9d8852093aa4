import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { WebSocket } from 'ws'
import type { ClusterAccess } from '../../controller/index.ts'

/** How a command in a pod ended. All texts are foreign. */
export type ExecEnd =
  | { readonly kind: 'ended'; readonly stdout: string; readonly exitCode: number }
  /** It could not be started. */
  | { readonly kind: 'notStarted'; readonly detail: string }
  /** The API server, or the kubelet behind it, answered with an error. */
  | { readonly kind: 'refused'; readonly status: number; readonly detail: string }
  /** The connection broke, or what came over it makes no sense. */
  | { readonly kind: 'broken'; readonly detail: string }

export interface ExecTarget {
  readonly namespace: string
  readonly name: string
  readonly container: string
}

/** Of apimachinery's `remotecommand`: the first byte of each message says which stream it is of. */
const channelProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io']
const channel = { stdout: 1, status: 3 } as const
/** All that a command may say. */
const outputLimitBytes = 4096
const messageLimitBytes = 64 * 1024

/** Runs a command that says little and reads nothing, as `kubectl exec` does. Rejects with the reason of `signal` alone. */
export async function execInPod(
  access: ClusterAccess,
  target: ExecTarget,
  command: readonly string[],
  signal: AbortSignal
): Promise<ExecEnd> {
  signal.throwIfAborted()
  const [tls, headers] = await Promise.all([access.tls(), access.headers()])
  signal.throwIfAborted()
  const socket = new WebSocket(execUrl(access.server, target, command), channelProtocols, {
    ...tls,
    headers,
    maxPayload: messageLimitBytes,
    perMessageDeflate: false,
  })
  const { promise, resolve, reject } = Promise.withResolvers<ExecEnd>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  const output: Buffer[] = []
  let size = 0
  socket.on('message', (data) => {
    if (data[0] === channel.status) return resolve(endOf(data.subarray(1).toString(), Buffer.concat(output).toString()))
    if (data[0] !== channel.stdout) return
    size += data.length
    if (size > outputLimitBytes) return resolve({ kind: 'broken', detail: 'the command says too much' })
    output.push(data.subarray(1))
  })
  socket.on('unexpected-response', (request, response) => {
    refusalOf(response)
      .then(resolve, (error) => resolve({ kind: 'broken', detail: error.message }))
      .finally(() => request.destroy())
  })
  // Stays: a socket that is ended while it connects still has an error to tell.
  socket.on('error', ({ message }) => resolve({ kind: 'broken', detail: message }))
  socket.on('close', () => resolve({ kind: 'broken', detail: 'the connection ended without the command’s status' }))
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', abort)
    socket.terminate()
  }
}

function execUrl(server: URL, { namespace, name, container }: ExecTarget, command: readonly string[]): URL {
  const base = server.href.replace(/\/*$/, '')
  const path = `api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/exec`
  const url = new URL(`${base}/${path}`)
  url.protocol = server.protocol === 'http:' ? 'ws:' : 'wss:'
  for (const part of command) url.searchParams.append('command', part)
  for (const [key, value] of Object.entries({ container, stdout: 'true', stderr: 'true' }))
    url.searchParams.append(key, value)
  return url
}

interface Status {
  readonly status?: string
  readonly message?: string
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] }
}

/** metav1.Status: `Success`, or a failure with the exit code as a cause, or one without: there was no process. */
function endOf(json: string, stdout: string): ExecEnd {
  const { status, message = '', details } = parse(json)
  if (status === 'Success') return { kind: 'ended', stdout, exitCode: 0 }
  const exitCode = details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message
  if (exitCode !== undefined && /^\d{1,3}$/.test(exitCode)) return { kind: 'ended', stdout, exitCode: Number(exitCode) }
  return { kind: 'notStarted', detail: message }
}

async function refusalOf(response: IncomingMessage): Promise<ExecEnd> {
  const bounded = async function* () {
    let size = 0
    for await (const chunk of response) {
      size += chunk.length
      if (size > messageLimitBytes) return
      yield chunk
    }
  }
  const { message = '' } = parse(await text(bounded()))
  return { kind: 'refused', status: response.statusCode ?? 0, detail: message }
}

/** What is no Status says nothing. */
function parse(json: string): Status {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as Status) : {}
  } catch {
    return { message: json }
  }
}
