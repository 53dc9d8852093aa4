import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { dialTcp } from '../../../packages/kubernetes/src/backend/dial-tcp.ts'
import type { Dial } from '../../../packages/kubernetes/src/backend/index.ts'
import { netnsFolder } from '../../../tools/cluster/network.ts'

/** The way from the host to a cluster's Pods, which only its own machines have. */
export interface PodNetwork extends AsyncDisposable {
  readonly dial: Dial
}

/** `netns`, `address`: of the control plane, which the host reaches. */
export async function openPodNetwork(netns: string, address: string): Promise<PodNetwork> {
  const child = spawn(
    'nsenter',
    [`--net=${join(netnsFolder, netns)}`, process.execPath, join(import.meta.dirname, 'relay.ts'), address],
    { stdio: ['ignore', 'pipe', 'inherit'] }
  )
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const ended = once(child, 'exit')
  return {
    async dial(host, port, signal) {
      const socket = await dialTcp(address, Number(line), signal)
      socket.write(`${host} ${port}\n`)
      const answer = await firstLine(socket)
      if (answer === 'OK') return socket
      socket.destroy()
      throw Object.assign(new Error(`${host}:${port}: ${answer}`), { code: answer })
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      await ended
    },
  }
}

async function firstLine(socket: Socket): Promise<string> {
  let text = ''
  for (;;) {
    const byte = socket.read(1) as Buffer | null
    if (byte === null) {
      if (socket.readableEnded) return text
      await Promise.race([once(socket, 'readable'), once(socket, 'end')])
    } else if (byte[0] === 0x0a) return text
    else text += byte.toString()
  }
}
