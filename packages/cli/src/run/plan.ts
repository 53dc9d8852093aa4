import type { CreateSandboxInput } from '@bulkhead/wire'
import { failure } from '@bulkhead/wire/errors'
import { limits } from '@bulkhead/wire/limits'
import { parseDuration } from '../duration.ts'
import { parseSize } from '../size.ts'

/** What the command line of `run` says, as commander gives it. */
export interface RunOptions extends ProcessOptions {
  readonly image?: string
  readonly runtime?: 'qemu' | 'gvisor'
  readonly isolation?: 'hardware' | 'userspace' | 'emulated'
  readonly memory?: string
  readonly disk?: string
  readonly cpus?: string
  readonly dir?: string
  readonly all?: boolean
  readonly out?: readonly string[]
  readonly evidence?: boolean
  readonly keep?: boolean
  readonly yes?: boolean
}

/** Shared by `run` and `exec`. */
export interface ProcessOptions {
  readonly tty?: boolean
  readonly env?: readonly string[]
  readonly workdir?: string
  readonly user?: string
  readonly timeout?: string
  readonly json?: boolean
}

/** How the command is started, checked. */
export interface ProcessPlan {
  readonly command: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  readonly workdir: string | undefined
  readonly user: string | undefined
  readonly timeoutMs: number | undefined
  readonly tty: boolean
}

/** Linux allows more, but no timer of ours does: about 24 days. */
const longestTimeoutMs = 2 ** 31 - 1

/** Fails `invalid_request`, naming the option. */
export function planProcess(command: readonly string[], options: ProcessOptions, env: NodeJS.ProcessEnv): ProcessPlan {
  const [program, ...args] = command
  if (!program) throw failure('invalid_request', { field: 'command', problem: 'is empty' })
  for (const word of command) refuseNul('command', word)
  if (options.tty && options.json) {
    throw failure('invalid_request', {
      field: '--json',
      problem: 'captures the output, so it cannot be used with --tty',
    })
  }
  return {
    command: [program, ...args],
    env: parseEnvironment(options.env ?? [], env),
    workdir: options.workdir === undefined ? undefined : refuseNul('--workdir', notEmpty('--workdir', options.workdir)),
    user: options.user === undefined ? undefined : refuseNul('--user', notEmpty('--user', options.user)),
    timeoutMs:
      options.timeout === undefined
        ? undefined
        : parseDuration(options.timeout, '--timeout', { min: 1, max: longestTimeoutMs }),
    tty: options.tty ?? false,
  }
}

/** The sandbox to make. What is left out has the server's default. Fails `invalid_request`, naming the option. */
export function planSandbox(options: RunOptions): CreateSandboxInput {
  return {
    ...(options.image !== undefined && { image: notEmpty('--image', options.image) }),
    ...(options.runtime && { runtime: options.runtime }),
    ...(options.isolation && { isolation: options.isolation }),
    ...(options.memory !== undefined && { memoryBytes: parseSize(options.memory, '--memory', limits.memoryBytes) }),
    ...(options.disk !== undefined && { diskBytes: parseSize(options.disk, '--disk', limits.diskBytes) }),
    ...(options.cpus !== undefined && { cpus: parseCount(options.cpus, '--cpus', limits.cpus) }),
  }
}

/** `K=V` sets; `K` passes on this environment's value, and is nothing where it has none, as with container tools. */
export function parseEnvironment(entries: readonly string[], env: NodeJS.ProcessEnv): Record<string, string> {
  const pairs = entries.flatMap((entry): [string, string][] => {
    const at = entry.indexOf('=')
    const name = at === -1 ? entry : entry.slice(0, at)
    if (name === '') throw failure('invalid_request', { field: '--env', problem: 'needs a name before the "="' })
    const value = at === -1 ? env[name] : entry.slice(at + 1)
    return value === undefined ? [] : [[refuseNul('--env', name), refuseNul('--env', value)]]
  })
  return Object.fromEntries(pairs)
}

function parseCount(text: string, field: string, limit: { min: number; max: number }): number {
  const count = /^\d{1,6}$/.test(text.trim()) ? Number(text) : Number.NaN
  if (count >= limit.min && count <= limit.max) return count
  throw failure('invalid_request', { field, problem: `must be a whole number from ${limit.min} to ${limit.max}` })
}

function notEmpty(field: string, value: string): string {
  if (value === '') throw failure('invalid_request', { field, problem: 'is empty' })
  return value
}

function refuseNul(field: string, value: string): string {
  if (value.includes('\0')) throw failure('invalid_request', { field, problem: 'must not contain a NUL byte' })
  return value
}
