import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A connection by TCP, small writes sent at once. Rejects with the signal's reason or the system's error; nothing stays open then. */
export async function dialTcp(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  const socket = connect({ host, port, noDelay: true, keepAlive: true })
  try {
    await once(socket, 'connect', { signal })
    return socket
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw signal.aborted ? signal.reason : error
  }
}
