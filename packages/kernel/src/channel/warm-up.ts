import type { ClientHttp2Session } from 'node:http2'
import { Process } from '@bulkhead/wire/guest'
import { ConnectError, createClient } from '@connectrpc/connect'
import { guestTransport } from './guest-transport.ts'

/** What most commands start with, and that they print something. None of it needs to be in the image. */
const commands = [
  { cmd: 'python3', args: ['-c', 'print()'] },
  { cmd: '/bin/sh', args: ['-c', 'echo; exec /bin/echo'] },
]

/**
 * Runs a few commands that do nothing, so that what every first command of a clone needs lies in the template's memory: the dynamic loader
 * and its libraries in the guest's page cache, the agent's own code paged in and its tables built. Halves the time from a clone to its
 * first output where the guest is emulated. A command that fails, or is not there, is no reason not to go on.
 */
export async function warmUp(session: ClientHttp2Session, accessToken: string, signal: AbortSignal): Promise<void> {
  const client = createClient(Process, guestTransport(session, { 'X-Access-Token': accessToken }))
  for (const process of commands) {
    try {
      for await (const _ of client.start({ process, stdin: false }, { signal }));
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof ConnectError)) throw error
    }
  }
}
