import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { ClientHttp2Session } from 'node:http2'
import net from 'node:net'
import path from 'node:path'
import { openSession } from '../src/testing/guest-peer.ts'

/** The guest agent as a plain process, serving its HTTP on a Unix socket: a real guest without a kernel around it. */
export interface AgentProcess extends AsyncDisposable {
  session(): Promise<ClientHttp2Session>
  readonly child: ChildProcess
}

export async function startAgent(folder: string, flags: readonly string[] = []): Promise<AgentProcess> {
  const described = process.env.BULKHEAD_TEST_INSTALLATION
  if (!described) throw new Error('BULKHEAD_TEST_INSTALLATION must name the JSON file that describes the installation')
  const { agent } = JSON.parse(await readFile(described, 'utf8')) as { agent: string }
  const address = path.join(folder, 'agent.sock')
  const child = spawn(agent, ['serve', '--listen', `unix:${address}`, ...flags], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await once(child, 'spawn')
  let open: ClientHttp2Session | undefined
  return {
    child,
    async session() {
      if (open && !open.closed && !open.destroyed) return open
      open = await openSession(await connected(address))
      return open
    },
    async [Symbol.asyncDispose]() {
      open?.destroy()
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** The agent says nothing when it listens. */
async function connected(address: string): Promise<net.Socket> {
  for (let attempt = 0; ; attempt += 1) {
    const socket = net.connect(address)
    try {
      await once(socket, 'connect')
      return socket
    } catch (error) {
      if (attempt === 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
