import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Sandbox } from 'e2b'

/** The guest agent as an ordinary process of this machine, and an unmodified E2B client that talks to it alone. Disposing ends it. */
export interface BareAgent extends AsyncDisposable {
  readonly url: string
  readonly sandbox: Sandbox
}

/** Starts the agent that BULKHEAD_TEST_INSTALLATION names. It acts as the users of this machine, so it needs root. */
export async function startBareAgent(): Promise<BareAgent> {
  const installation = process.env.BULKHEAD_TEST_INSTALLATION
  if (!installation) throw new Error('BULKHEAD_TEST_INSTALLATION is not set: run the tests with ./bulkhead test')
  const { agent } = JSON.parse(readFileSync(installation, 'utf8')) as { agent: string }
  const port = await freePort()
  const child = spawn(agent, ['serve', '--listen', `tcp:127.0.0.1:${port}`], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const ended = once(child, 'exit')
  const stop = async () => {
    child.kill()
    await ended
  }
  const url = `http://127.0.0.1:${port}`
  try {
    await Promise.race([
      answers(url),
      ended.then(([code]) => Promise.reject(new Error(`the agent ended with ${code} before it answered`))),
    ])
    // `debug` makes the client ask no control plane for a sandbox.
    const sandbox = await Sandbox.create({ debug: true, sandboxUrl: url })
    return { url, sandbox, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address')
  return address.port
}

/** A listening socket announces itself to nobody, so ask until it is there. */
async function answers(url: string): Promise<void> {
  const deadline = AbortSignal.timeout(10_000)
  for (;;) {
    const health = await fetch(`${url}/health`, { signal: deadline }).catch(() => undefined)
    if (health?.status === 204) return
    deadline.throwIfAborted()
    await sleep(20)
  }
}
