import { spawn } from 'node:child_process'
import type { Bulkhead, CreateSandboxInput, Sandbox } from '@bulkhead/sdk/node'
import { timed } from './stats.ts'

export const MiB = 1024 * 1024
export const never = new AbortController().signal

/** What is asked for in every benchmark of a runtime, unless it says otherwise. */
export const requests = {
  gvisor: { runtime: 'gvisor', memoryBytes: 256 * MiB, diskBytes: 1024 * MiB },
  qemu: { runtime: 'qemu', isolation: 'emulated', memoryBytes: 256 * MiB, diskBytes: 1024 * MiB },
} as const satisfies Record<string, CreateSandboxInput>

export const command = ['/bin/echo', 'ready'] as const

/** Milliseconds from the request for a sandbox to the first byte of a command's output; the sandbox is deleted outside of the time. */
export async function createToFirstByte(client: Bulkhead, request: CreateSandboxInput): Promise<number> {
  let sandbox: Sandbox | undefined
  try {
    return await timed(async () => {
      sandbox = await client.sandboxes.create(request)
      await firstByte(sandbox)
    })
  } finally {
    await sandbox?.delete()
  }
}

async function firstByte(sandbox: Sandbox): Promise<void> {
  const first = Promise.withResolvers<void>()
  const process = await sandbox.start(command, { onStdout: () => first.resolve() })
  process.exit.then(() => first.reject(new Error('ended without output')), first.reject)
  await first.promise
}

/** Milliseconds from the start of a program to the first byte it prints. */
export async function spawnToFirstByte(argv: readonly [string, ...string[]]): Promise<number> {
  const started = performance.now()
  const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString()
  })
  child.stdout.once('data', () => resolve(performance.now() - started))
  child.once('error', reject)
  const closed = new Promise<void>((done) =>
    child.once('close', (code) => {
      reject(new Error(`${argv[0]} ended with ${code}: ${complaint.slice(-500)}`))
      done()
    })
  )
  try {
    return await promise
  } finally {
    await closed
  }
}

/** Milliseconds from the start of a program to its end. Fails when it does not exit with 0. */
export async function spawnToEnd(
  argv: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv = process.env
): Promise<number> {
  const started = performance.now()
  const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'ignore', 'inherit'], env })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  const took = performance.now() - started
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}`)
  return took
}
