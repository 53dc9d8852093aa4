import { once } from 'node:events'
import type { ClientHttp2Session } from 'node:http2'
import { buffer } from 'node:stream/consumers'
import type { GuestEndpoint } from '../backend.ts'

/** A plain request to the guest agent; the contract's tests need no more of its protocol, and no client library. */
export async function guestRequest(
  session: ClientHttp2Session,
  headers: Record<string, string>,
  body?: Buffer
): Promise<{ status: number; body: Buffer }> {
  const stream = session.request(headers)
  stream.end(body)
  const [[answer], content] = await Promise.all([
    once(stream, 'response') as Promise<[Record<string, unknown>]>,
    buffer(stream),
  ])
  return { status: Number(answer[':status']), body: content }
}

interface StartEvent {
  readonly event?: {
    readonly data?: { readonly stdout?: string; readonly stderr?: string }
    readonly end?: { readonly exitCode?: number; readonly status?: string }
  }
}

/**
 * Runs a command in the sandbox, as root when `user` says so, and returns what it printed and how it ended.
 * Connect's streaming protocol in JSON: frames of one flag byte, four bytes of length and a message.
 */
export async function guestRun(
  endpoint: GuestEndpoint,
  command: readonly string[],
  options: { readonly user?: string } = {}
): Promise<{ stdout: string; stderr: string; exitCode: number | undefined; status: string | undefined }> {
  const [cmd, ...args] = command
  const message = Buffer.from(JSON.stringify({ process: { cmd, args }, stdin: false }))
  const frame = Buffer.alloc(5)
  frame.writeUInt32BE(message.length, 1)
  const { status, body } = await guestRequest(
    endpoint.session,
    {
      ':method': 'POST',
      ':path': '/process.Process/Start',
      'content-type': 'application/connect+json',
      'connect-protocol-version': '1',
      'x-access-token': endpoint.accessToken,
      ...(options.user && { authorization: `Basic ${Buffer.from(`${options.user}:`).toString('base64')}` }),
    },
    Buffer.concat([frame, message])
  )
  if (status !== 200) throw new Error(`the guest agent answered ${status}: ${body.toString()}`)
  const events = frames(body).map((text) => JSON.parse(text) as StartEvent & { error?: unknown })
  const refused = events.find((event) => event.error)
  if (refused) throw new Error(`the guest agent refused: ${JSON.stringify(refused.error)}`)
  const output = (name: 'stdout' | 'stderr') =>
    Buffer.concat(events.map(({ event }) => Buffer.from(event?.data?.[name] ?? '', 'base64'))).toString()
  const end = events.map(({ event }) => event?.end).find((found) => found !== undefined)
  // Protobuf's JSON leaves out what is zero.
  return {
    stdout: output('stdout'),
    stderr: output('stderr'),
    exitCode: end && (end.exitCode ?? 0),
    status: end?.status,
  }
}

function frames(body: Buffer): string[] {
  const texts: string[] = []
  for (let at = 0; at + 5 <= body.length; ) {
    const length = body.readUInt32BE(at + 1)
    texts.push(body.toString('utf8', at + 5, at + 5 + length))
    at += 5 + length
  }
  return texts
}
