import { failure } from '@bulkhead/wire/errors'
import { z } from 'zod'

/** The environment's say, parsed once at start. */
const environment = z.object({
  /** Path of the container runtime's CRI socket, as mounted here. */
  WITNESS_CRI_SOCKET: z.string().startsWith('/').default('/run/containerd/containerd.sock'),
  /** Between two looks at the node, in ms. */
  WITNESS_INTERVAL_MS: z.coerce.number().int().min(500).max(20_000).default(3_000),
  WITNESS_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
})

export interface WitnessConfig {
  readonly criSocket: string
  readonly intervalMs: number
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
}

/** Fails `invalid_request` with the variable's name. */
export function loadWitnessConfig(env: NodeJS.ProcessEnv): WitnessConfig {
  const parsed = environment.safeParse(env)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw failure('invalid_request', { field: issue?.path.join('.') ?? '', problem: issue?.message ?? '' })
  }
  const { WITNESS_CRI_SOCKET: criSocket, WITNESS_INTERVAL_MS: intervalMs, WITNESS_LOG_LEVEL: logLevel } = parsed.data
  return Object.freeze({ criSocket, intervalMs, logLevel })
}
