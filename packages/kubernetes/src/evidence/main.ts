/**
 * The witness: on each node it sees what really runs the Pods there, and says so in the node's NodeWitness.
 *
 *   node packages/kubernetes/src/evidence/main.ts
 *
 * Set by environment variables, see docs/kubernetes/evidence.md. It runs in a Pod, by its service account.
 */
import { once } from 'node:events'
import { openCri } from '@bulkhead/witness/cri'
import { NodeView } from '@bulkhead/witness/node'
import {
  type ApiClient,
  inClusterAccess,
  type Logger,
  openApiClient,
  sleep,
  systemClock,
  toFailure,
} from '../controller/index.ts'
import { operatorLog } from '../operator/operator-log.ts'
import { runWitness } from './witness.ts'
import { loadWitnessConfig } from './witness-config.ts'
import { type WitnessIdentity, witnessIdentity } from './witness-identity.ts'

async function run(env: NodeJS.ProcessEnv): Promise<void> {
  const config = loadWitnessConfig(env)
  const log = operatorLog({ level: config.logLevel, time: 'text' })
  const stopping = new AbortController()
  Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]).then(() => stopping.abort())
  const stop = stopping.signal
  const clock = systemClock
  const access = await inClusterAccess({ env, clock })
  const defaults = { fieldManager: 'bulkhead-witness' }
  await using opened = openApiClient({ access, clock, userAgent: 'bulkhead-witness', defaults })
  const { client } = opened
  using cri = openCri(config.criSocket)
  try {
    const identity = await identify(client, log, stop)
    log.info({ node: identity.node, intervalMs: config.intervalMs }, 'witness.starting')
    await runWitness({ client, identity, cri, view: new NodeView(), intervalMs: config.intervalMs, clock, log }, stop)
  } catch (error) {
    // What was under way then has failed because of it.
    if (!stop.aborted) throw error
  }
  log.info({}, 'witness.stopped')
}

/** A node may be up before the API server is, or before the way to it. */
async function identify(client: ApiClient, log: Logger, stop: AbortSignal): Promise<WitnessIdentity> {
  for (;;) {
    try {
      return await witnessIdentity(client, stop)
    } catch (err) {
      const code = toFailure(err)?.code
      if (stop.aborted || code !== 'cluster_unreachable') throw err
      log.warn({ code, err }, 'witness.waiting')
    }
    await sleep(systemClock, retryMs, stop)
  }
}

const retryMs = 2_000

try {
  await run(process.env)
} catch (error) {
  const said = toFailure(error)
  process.stderr.write(
    `witness: ${said ? `${said.message}; ${said.next}` : error instanceof Error ? error.stack : error}\n`
  )
  process.exitCode = 1
}
