import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import type { Sandbox as SandboxInfo } from '@bulkhead/wire'
import { routes } from '@bulkhead/wire/routes'
import type { HttpClient } from '../src/http/http-client.ts'
import { unixClient } from '../src/node/unix-client.ts'
import { Sandbox } from '../src/sandbox.ts'

/** The real guest agent as a plain process, and a `Sandbox` of the SDK that talks to it with no server in between. */
export interface AgentSandbox extends AsyncDisposable {
  readonly sandbox: Sandbox
  readonly child: ChildProcess
  /** For files of a test's own. */
  readonly folder: string
}

export async function startAgentSandbox(): Promise<AgentSandbox> {
  const described = process.env.BULKHEAD_TEST_INSTALLATION
  if (!described) throw new Error('BULKHEAD_TEST_INSTALLATION must name the JSON file that describes the installation')
  const { agent } = JSON.parse(await readFile(described, 'utf8')) as { agent: string }
  await using undo = new AsyncDisposableStack()
  const folder = await mkdtemp(path.join(os.tmpdir(), 'bh-sdk-'))
  undo.defer(() => rm(folder, { recursive: true }))
  const address = path.join(folder, 'agent.sock')
  const child = spawn(agent, ['serve', '--listen', `unix:${address}`], { stdio: ['ignore', 'ignore', 'inherit'] })
  await once(child, 'spawn')
  undo.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  await listens(address)
  const client = unixClient(address)
  undo.defer(() => client.close())
  const id = 'sb-test'
  const direct: HttpClient = {
    ...client,
    send: (request) => client.send({ ...request, path: request.path.slice(routes.guest(id).length) }),
  }
  const sandbox = new Sandbox(direct, { id, state: 'running' } as SandboxInfo)
  const owned = undo.move()
  return { sandbox, child, folder, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** The agent says nothing when it listens. */
async function listens(address: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    const socket = net.connect(address)
    try {
      await once(socket, 'connect')
      return
    } catch (error) {
      if (attempt === 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    } finally {
      socket.destroy()
    }
  }
}
