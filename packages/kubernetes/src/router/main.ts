/**
 * The router: clients of the sandbox API send their requests here, and it passes them on to the sandbox that they name.
 *
 *   node packages/kubernetes/src/router/main.ts
 *
 * Set by environment variables, see docs/kubernetes/clients.md. In a Pod it uses its service account, elsewhere a kubeconfig.
 */
import { once } from 'node:events'
import { inClusterAccess, isInCluster, kubeconfigAccess, openApiClient, systemClock } from '../controller/index.ts'
import { Router } from './router.ts'
import { loadRouterConfig } from './router-config.ts'
import { routerLog } from './router-log.ts'
import { SandboxDirectory } from './sandbox-directory.ts'

/** Of the 60 seconds that our manifests give the Pod to end. */
const graceMs = 50_000
/** A cluster that does not answer is no reason to refuse for ever: then names are looked up in its DNS. */
const syncMs = 15_000

async function run(env: NodeJS.ProcessEnv): Promise<void> {
  const config = loadRouterConfig(env)
  const log = routerLog(config.debug)
  const stop = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  const clock = systemClock
  const access = await (isInCluster(env) ? inClusterAccess({ env, clock }) : kubeconfigAccess({ clock }))
  await using opened = openApiClient({ access, clock, userAgent: 'bulkhead-router' })
  await using directory = new SandboxDirectory({ client: opened.client, clock, log, namespace: config.namespace })
  directory.start()
  const timeOut = once(AbortSignal.timeout(syncMs), 'abort')
  const isSynced = await Promise.race([
    directory.synced.then(() => true),
    Promise.race([timeOut, stop]).then(() => false),
  ])
  if (!isSynced) log.warn({ waitedMs: syncMs }, 'router.cluster_unknown')
  const router = new Router({ config, directory, log })
  directory.onTaken((addresses) => router.cut(addresses))
  const port = await router.listen()
  log.info({ port, open: config.token === undefined }, 'router.listening')
  await stop
  log.info({ graceMs }, 'router.stopping')
  await router.close(graceMs)
}

try {
  await run(process.env)
} catch (error) {
  process.stderr.write(`router: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
