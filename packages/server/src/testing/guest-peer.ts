import { once } from 'node:events'
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2'
import net from 'node:net'
import path from 'node:path'

export type GuestHandler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void

/** A guest that speaks real HTTP/2 on a Unix socket and does with each call what a test wants. */
export interface GuestPeer extends AsyncDisposable {
  readonly server: Http2Server
  /** The open session, or a new one. */
  session(): Promise<ClientHttp2Session>
  /** The number of sessions made so far. */
  readonly sessions: number
}

const streamWindowBytes = 1024 * 1024

export async function startGuestPeer(
  folder: string,
  onCall: GuestHandler,
  settings: Settings = {}
): Promise<GuestPeer> {
  const server = createServer({ settings: { initialWindowSize: streamWindowBytes, ...settings } })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    onCall(stream, headers)
  })
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  const address = path.join(folder, 'guest.sock')
  server.listen(address)
  await once(server, 'listening')
  let opening: Promise<ClientHttp2Session> | undefined
  let sessions = 0
  const openAnother = () => {
    sessions += 1
    return openSession(net.connect(address))
  }
  return {
    server,
    get sessions() {
      return sessions
    },
    async session() {
      const seen = opening
      const open = await seen
      if (open && !open.closed && !open.destroyed) return open
      // Of several that wait at the same time, the first opens the new one.
      if (opening === seen) opening = openAnother()
      return opening as Promise<ClientHttp2Session>
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A session as the kernel runtimes make it: a bounded window for each stream, and one so large for all that none blocks another. */
export async function openSession(socket: net.Socket): Promise<ClientHttp2Session> {
  const session = connect('http://guest', {
    createConnection: () => socket,
    settings: { initialWindowSize: streamWindowBytes, enablePush: false },
  })
  session.on('error', () => {})
  await once(session, 'connect')
  session.setLocalWindowSize(1024 * 1024 * 1024)
  return session
}
