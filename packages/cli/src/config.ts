import { failure } from '@bulkhead/wire/errors'

/** The environment's say, parsed once at start and passed on. Options on the command line win over it. */
export interface Config {
  /** BULKHEAD_STATE_DIR: where images, templates, the ledger and logs are kept. */
  readonly stateDirectory: string | undefined
  /** BULKHEAD_YES=1: consent to installing host packages, as `--yes`. */
  readonly yes: boolean
  /** BULKHEAD_DEBUG=1: errors are printed with cause and stack. */
  readonly debug: boolean
  /** BULKHEAD_IDLE_EXIT_MS: a server that nobody needs ends after this long. Default 15 minutes. */
  readonly idleExitMs: number
  /** BULKHEAD_POOL_SIZE: sandboxes made in advance for each template in use; 0: none. Default 1. */
  readonly poolSize: number
}

/** Fails `invalid_request` with the variable's name when a value is not understood. */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  return Object.freeze({
    stateDirectory: absolutePath(env, 'BULKHEAD_STATE_DIR'),
    yes: flag(env, 'BULKHEAD_YES'),
    debug: flag(env, 'BULKHEAD_DEBUG'),
    idleExitMs: wholeNumber(env, 'BULKHEAD_IDLE_EXIT_MS', { default: 15 * 60_000, min: 100, max: 7 * 24 * 3_600_000 }),
    poolSize: wholeNumber(env, 'BULKHEAD_POOL_SIZE', { default: 1, min: 0, max: 64 }),
  })
}

function absolutePath(env: NodeJS.ProcessEnv, field: string): string | undefined {
  const value = env[field]
  if (value === undefined || value === '') return undefined
  if (!value.startsWith('/')) throw failure('invalid_request', { field, problem: 'must be an absolute path' })
  return value
}

function flag(env: NodeJS.ProcessEnv, field: string): boolean {
  const value = env[field] ?? ''
  if (value === '' || value === '0') return false
  if (value === '1') return true
  throw failure('invalid_request', { field, problem: `must be 0 or 1, not ${JSON.stringify(value)}` })
}

function wholeNumber(
  env: NodeJS.ProcessEnv,
  field: string,
  limit: { default: number; min: number; max: number }
): number {
  const value = env[field]
  if (value === undefined || value === '') return limit.default
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
  if (number >= limit.min && number <= limit.max) return number
  throw failure('invalid_request', { field, problem: `must be a whole number from ${limit.min} to ${limit.max}` })
}
