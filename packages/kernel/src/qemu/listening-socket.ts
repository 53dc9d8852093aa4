import { once } from 'node:events'
import { rename } from 'node:fs/promises'
import { createServer } from 'node:net'

/** A Unix socket that listens, made here and accepted on by another process. */
export interface ListeningSocket extends Disposable {
  /** To be inherited by that process. */
  readonly fd: number
}

/**
 * Makes the socket that QEMU will accept on. Made by this process, it lies in a folder that QEMU neither sees nor can write to: a broken-out
 * QEMU could put a link in its place and have the server connect, as root, to whatever it names. Disposing leaves the socket on disk.
 */
export async function listenForChild(path: string): Promise<ListeningSocket> {
  const server = createServer((socket) => socket.destroy())
  const first = `${path}.new`
  server.listen({ path: first })
  await once(server, 'listening')
  // Closing a server removes its path. Renamed, it stays.
  await rename(first, path)
  // Node has no public way to give a listening socket to a program that is not Node.
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle
  if (!(fd >= 0)) {
    server.close()
    throw new Error('this version of Node does not tell the descriptor of a listening socket')
  }
  return { fd, [Symbol.dispose]: () => void server.close() }
}
