import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bulkhead, connect } from '@bulkhead/sdk/node'
import { type Paths, resolvePaths } from '../../packages/cli/src/paths.ts'
import { requestShutdown } from '../../packages/cli/src/server/request-shutdown.ts'
import { readServerRecord } from '../../packages/cli/src/server/server-record.ts'
import { spawnServer } from '../../packages/cli/src/server/spawn-server.ts'
import { sourceKey } from '../../packages/cli/src/source-key.ts'
import { identifyProcess, isAlive, type ProcessIdentity } from '../../packages/kernel/src/confine/process-identity.ts'

const root = path.resolve(import.meta.dirname, '../..')

export interface Finished {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** The whole product on a state folder of its own, with what the machine's set-up has built: the real command line, server and kernels. */
export interface Product extends AsyncDisposable {
  readonly state: string
  readonly socketPath: string
  readonly env: NodeJS.ProcessEnv
  readonly client: Bulkhead
  /** Runs `bulkhead` with these arguments to its end. */
  readonly cli: (args: readonly string[], options?: { input?: string | Buffer; cwd?: string }) => Promise<Finished>
}

/**
 * `settings`: environment of the server, for example BULKHEAD_POOL_SIZE. Disposing ends all sandboxes and the server, and removes the folder.
 * BULKHEAD_TEST_INSTALLATION names the installation.json of the state folder that was set up.
 */
export async function openProduct(settings: Record<string, string> = {}): Promise<Product> {
  const installation = process.env.BULKHEAD_TEST_INSTALLATION
  if (!installation) throw new Error('BULKHEAD_TEST_INSTALLATION is not set: run the tests with ./bulkhead test')
  // On a disk: /tmp may be memory.
  const state = mkdtempSync('/var/tmp/bulkhead-test-')
  chmodSync(state, 0o711) // kernels run under uids of their own, and their folders lie below
  const paths = resolvePaths(state, process.env, process.getuid?.() ?? 0)
  const record = JSON.parse(readFileSync(installation, 'utf8')) as Record<string, unknown>
  writeFileSync(
    path.join(state, 'installation.json'),
    JSON.stringify({ ...record, sourceKey: sourceKey(paths.source) })
  )
  // Content-addressed and safe to share; pulling in a test adds to it, which is why such tests use names of their own.
  symlinkSync(path.join(path.dirname(installation), 'images'), path.join(state, 'images'))
  const env = { ...process.env, ...settings, BULKHEAD_STATE_DIR: state }
  const never = new AbortController().signal
  await spawnServer(paths, never, env)
  const client = connect({ socketPath: paths.serverSocket })

  const end = async () => {
    try {
      for (const sandbox of await client.sandboxes.list()) await sandbox.delete()
      client.close()
      const server = await serverProcess(paths)
      await requestShutdown(paths.serverSocket, AbortSignal.timeout(30_000))
      // It lets go of the socket first, and still writes into its folder.
      if (server) await untilGone(server)
    } finally {
      rmSync(state, { recursive: true, force: true })
      rmSync(paths.run, { recursive: true, force: true })
    }
  }
  return {
    state,
    socketPath: paths.serverSocket,
    env,
    client,
    cli: (args, { input, cwd } = {}) => run(args, { input, cwd, env }),
    [Symbol.asyncDispose]: end,
  }
}

/** Undefined when none runs: it may have been killed by the test, or ended by itself. */
async function serverProcess(paths: Paths): Promise<ProcessIdentity | undefined> {
  const record = readServerRecord(paths.serverRecord)
  return record && identifyProcess(record.pid)
}

/** The end of another's process is told by no event. */
async function untilGone(server: ProcessIdentity): Promise<void> {
  const patience = AbortSignal.timeout(30_000)
  while (await isAlive(server)) await sleep(20, undefined, { signal: patience })
}

function run(
  args: readonly string[],
  { input, cwd = root, env }: { input?: string | Buffer | undefined; cwd?: string | undefined; env: NodeJS.ProcessEnv }
): Promise<Finished> {
  const { promise, resolve, reject } = Promise.withResolvers<Finished>()
  const child = spawn(path.join(root, 'bulkhead'), args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  child.stdin.on('error', () => {}) // it may end without reading all of it
  child.stdin.end(input)
  child.once('error', reject)
  child.once('close', (exitCode, signal) =>
    resolve({ exitCode, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() })
  )
  return promise
}
