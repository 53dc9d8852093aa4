import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Connects to a Unix socket. Rejects with the signal's reason or the system's error (`ENOENT`, `ECONNREFUSED`, …); nothing stays open then. */
export async function dialUnix(path: string, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  const socket = connect({ path })
  try {
    await once(socket, 'connect', { signal })
    return socket
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw signal.aborted ? signal.reason : error
  }
}
