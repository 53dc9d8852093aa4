import type { Bulkhead } from '@bulkhead/sdk/node'
import type { CommandContext } from './command-context.ts'
import { ensureServer } from './server/ensure-server.ts'

export interface ConnectOptions {
  readonly signal: AbortSignal
  /** Consent to installing host packages, given with this command. */
  readonly yes?: boolean
}

/** A client of the server, which is set up for and started when it does not run. */
export async function connectClient({ config, paths }: CommandContext, options: ConnectOptions): Promise<Bulkhead> {
  const { signal, yes = false } = options
  const setUp = async () => {
    const { ensureSetup } = await import('./setup/setup.ts')
    await ensureSetup({ config, paths, signal, yes })
  }
  // Read from the disk while the server is looked for.
  const sdk = import('@bulkhead/sdk/node')
  sdk.catch(() => {}) // reported below
  await ensureServer({ paths, signal, setUp })
  return (await sdk).connect({ socketPath: paths.serverSocket })
}
