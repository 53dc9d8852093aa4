import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Between a client and the API server: passes bytes on until it is told to cut. */
export interface CuttableProxy extends AsyncDisposable {
  readonly port: number
  /** Cuts what is open, in the middle of whatever is under way. New connections are passed on. */
  cut(): void
  /** While true, new connections are ended at once. */
  refusing: boolean
  /** While true, nothing is passed on, and nobody is told: a peer that vanished. */
  swallowing: boolean
}

export async function openCuttableProxy(target: number): Promise<CuttableProxy> {
  const open = new Set<Socket>()
  const server = createServer((near) => {
    if (proxy.refusing) {
      near.destroy()
      return
    }
    const far = connect(target, '127.0.0.1')
    const pair = [near, far] as const
    for (const [from, to] of [pair, [far, near] as const]) {
      open.add(from)
      from.on('data', (chunk) => {
        if (!proxy.swallowing) to.write(chunk)
      })
      from.on('end', () => to.end())
      from.on('error', () => to.destroy())
      from.on('close', () => {
        open.delete(from)
        to.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: CuttableProxy = {
    port: (server.address() as AddressInfo).port,
    refusing: false,
    swallowing: false,
    cut: () => {
      for (const socket of open) socket.destroy()
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      proxy.cut()
      await closed
    },
  }
  return proxy
}
