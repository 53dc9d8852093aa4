import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Two connected Unix stream sockets; for tests. */
export async function socketPair(): Promise<readonly [Socket, Socket]> {
  const folder = await mkdtemp(join(tmpdir(), 'pair-'))
  const server = createServer()
  try {
    const path = join(folder, 's')
    server.listen(path)
    await once(server, 'listening')
    const here = connect(path)
    const [there] = (await once(server, 'connection')) as [Socket]
    if (here.connecting) await once(here, 'connect')
    // Either end may be destroyed by the other side of a test.
    for (const end of [here, there]) end.on('error', () => {})
    return [here, there]
  } finally {
    server.close()
    await rm(folder, { recursive: true, force: true })
  }
}
