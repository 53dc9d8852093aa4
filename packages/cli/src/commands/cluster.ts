import { join } from 'node:path'
import type { CommandContext } from '../command-context.ts'
import { runInForeground } from '../foreground.ts'
import { abortOnInterruption } from '../interruption.ts'
import { setUpHost } from '../setup/setup.ts'

export interface ClusterUpOptions {
  readonly nodes?: string
  readonly fakeNodes?: string
  readonly subnet?: string
  readonly registry?: boolean
  readonly yes?: boolean
}

/** `bulkhead cluster up`: installs the host packages that a cluster needs, then hands over to tools/cluster. */
export async function clusterUp(_args: string[], options: ClusterUpOptions, context: CommandContext): Promise<number> {
  using interruption = abortOnInterruption()
  const { signal } = interruption
  const { config, paths } = context
  await setUpHost('cluster', { config, paths, signal, yes: options.yes ?? false })
  const value = (name: string, given: string | undefined) => (given === undefined ? [] : [`--${name}=${given}`])
  const shape = [
    ...value('nodes', options.nodes),
    ...value('fake-nodes', options.fakeNodes),
    ...value('subnet', options.subnet),
    ...(options.registry ? ['--registry'] : []),
  ]
  return handOver(['up', ...shape], context, signal)
}

/** `bulkhead cluster status`. */
export const clusterStatus = (_args: string[], options: { json?: boolean }, context: CommandContext): Promise<number> =>
  handOverOnly(['status', ...(options.json ? ['--json'] : [])], context)

/** `bulkhead cluster down`. */
export const clusterDown = (_args: string[], _options: object, context: CommandContext): Promise<number> =>
  handOverOnly(['down'], context)

/** `bulkhead cluster kubeconfig`. */
export const clusterKubeconfig = (_args: string[], _options: object, context: CommandContext): Promise<number> =>
  handOverOnly(['kubeconfig'], context)

/** `bulkhead cluster load`. */
export const clusterLoad = ([archive = '']: string[], _options: object, context: CommandContext): Promise<number> =>
  handOverOnly(['load', archive], context)

/** `bulkhead cluster kubectl`: everything behind it is kubectl's. */
export const clusterKubectl = (args: string[], _options: object, context: CommandContext): Promise<number> =>
  handOverOnly(['kubectl', '--', ...args], context)

async function handOverOnly(args: readonly string[], context: CommandContext): Promise<number> {
  using interruption = abortOnInterruption()
  return handOver(args, context, interruption.signal)
}

/** A process of its own: clusters are a tool for developing, and no part of the command line's bundle. */
const handOver = (args: readonly string[], { paths }: CommandContext, signal: AbortSignal): Promise<number> =>
  runInForeground([process.execPath, join(paths.source, 'tools', 'cluster', 'main.ts'), ...args], { signal })
