/**
 * What `bulkhead cluster …` runs, once the host has the packages for it.
 *
 *   node tools/cluster/main.ts up [--nodes=3] [--fake-nodes=0] [--subnet=10.88.0.0/24] [--registry]
 *   node tools/cluster/main.ts status [--json] | down | load ARCHIVE | kubeconfig | kubectl -- …
 *   node tools/cluster/main.ts build        only builds the programs, where a cluster can run, and prints where those of a control plane are (as PATH)
 */
import { stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { failure } from '@bulkhead/wire/errors'
import { loadConfig } from '../../packages/cli/src/config.ts'
import { ExitCode } from '../../packages/cli/src/exit-code.ts'
import { runInForeground } from '../../packages/cli/src/foreground.ts'
import { abortOnInterruption, Interruption } from '../../packages/cli/src/interruption.ts'
import { describeError } from '../../packages/cli/src/output/report-error.ts'
import { data, json, talk } from '../../packages/cli/src/output/streams.ts'
import { type Paths, resolvePaths } from '../../packages/cli/src/paths.ts'
import { Cluster } from './cluster.ts'
import { printStatus } from './print-status.ts'
import { ensurePrograms } from './programs.ts'
import { parseShape } from './shape.ts'
import { whyNotHere } from './support.ts'

interface Context {
  readonly cluster: Cluster
  readonly paths: Paths
  readonly signal: AbortSignal
}
type Command = (args: readonly string[], context: Context) => Promise<number>

const commands: Readonly<Record<string, Command>> = { up, status, down, load, kubeconfig, kubectl, build }

async function up(args: readonly string[], { cluster, paths, signal }: Context): Promise<number> {
  const started = performance.now()
  const outcome = await cluster.up(parseShape(args), (inner) => ensurePrograms(paths, inner), signal)
  const seconds = Math.round((performance.now() - started) / 1000)
  talk(outcome === 'unchanged' ? 'bulkhead: the cluster is up already' : `bulkhead: the cluster is up (${seconds} s)`)
  talk('      next  bulkhead cluster kubectl get nodes, or set KUBECONFIG to:')
  data(`${cluster.kubeconfig}\n`)
  return ExitCode.success
}

async function status(args: readonly string[], { cluster, signal }: Context): Promise<number> {
  const found = await cluster.status(signal)
  if (args.includes('--json')) json(found)
  else printStatus(found, { terminal: process.stdout.isTTY })
  return found.state === 'running' ? ExitCode.success : ExitCode.failed
}

async function down(_args: readonly string[], { cluster, signal }: Context): Promise<number> {
  talk((await cluster.down(signal)) ? 'bulkhead: the cluster is gone' : 'bulkhead: there is no cluster')
  return ExitCode.success
}

async function load([archive = '']: readonly string[], { cluster, signal }: Context): Promise<number> {
  const found = await stat(archive).catch((error: Error) => error)
  if (found instanceof Error || !found.isFile()) {
    const problem = found instanceof Error ? found.message : `${JSON.stringify(archive)} is no file`
    throw failure('invalid_request', { field: 'cluster load', problem })
  }
  await cluster.loadImage(archive, signal)
  talk('bulkhead: all nodes have it')
  return ExitCode.success
}

async function kubeconfig(_args: readonly string[], { cluster }: Context): Promise<number> {
  data(`${cluster.kubeconfig}\n`)
  return ExitCode.success
}

async function kubectl(args: readonly string[], { cluster, signal }: Context): Promise<number> {
  return runInForeground([cluster.kubectl, ...args.slice(args[0] === '--' ? 1 : 0)], {
    signal,
    env: { ...process.env, KUBECONFIG: cluster.kubeconfig, ...withoutProxy(cluster.plan.controlPlane.address) },
  })
}

async function build(_args: readonly string[], { paths, signal }: Context): Promise<number> {
  const reason = await whyNotHere(signal)
  if (reason === undefined) {
    const { kubernetes, etcd } = await ensurePrograms(paths, signal)
    data(`${[kubernetes, etcd].join(delimiter)}\n`)
  } else talk(`bulkhead: nothing was built for a cluster, because ${reason}`)
  return ExitCode.success
}

/** A proxy that this machine may use for others does not know the cluster's network. */
function withoutProxy(address: string): NodeJS.ProcessEnv {
  const { NO_PROXY, no_proxy: lowercase } = process.env
  const list = [NO_PROXY ?? lowercase, address].filter(Boolean).join(',')
  return { NO_PROXY: list, no_proxy: list }
}

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  const config = loadConfig(process.env)
  try {
    const command = commands[name]
    if (!command) {
      const known = Object.keys(commands).join(', ')
      throw failure('invalid_request', { field: 'cluster', problem: `${JSON.stringify(name)} is none of ${known}` })
    }
    using interruption = abortOnInterruption()
    const paths = resolvePaths(config.stateDirectory, process.env, process.getuid?.() ?? 0)
    const cluster = new Cluster(join(paths.state, 'cluster'), (text) => talk(`bulkhead: cluster: ${text}`))
    return await command(args, { cluster, paths, signal: interruption.signal })
  } catch (error) {
    if (error instanceof Interruption) return error.exitCode
    talk(describeError(error, config.debug))
    return ExitCode.failed
  }
}

process.exitCode = await main(process.argv.slice(2))
