import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { resolvePaths } from '../../packages/cli/src/paths.ts'
import { readServerRecord } from '../../packages/cli/src/server/server-record.ts'
import { openProduct, type Product } from '../support/product.ts'

const MiB = 1024 * 1024
const root = path.resolve(import.meta.dirname, '../..')

/** A block whose every line says where it is: what is lost, doubled or out of order changes the digest. */
const program = (bytes: number) => `
import sys
out, size = sys.stdout.buffer, ${MiB}
for block in range(${bytes / MiB}):
    out.write((b"%015d\\n" % block) * (size // 16))
`
function expectedDigest(bytes: number): string {
  const digest = createHash('sha256')
  for (let block = 0; block < bytes / MiB; block++)
    digest.update(`${String(block).padStart(15, '0')}\n`.repeat(MiB / 16))
  return digest.digest('hex')
}

const kinds = [
  { kind: 'gvisor', bytes: 1024 * MiB, flags: ['--runtime', 'gvisor'] },
  // An emulated guest makes some tens of MB a second: 1 GiB would take minutes, and pass through the same code on the host.
  { kind: 'qemu, emulated', bytes: 256 * MiB, flags: ['--runtime', 'qemu', '--isolation', 'emulated'] },
]

let product: Product
beforeAll(async () => {
  product = await openProduct()
})
afterAll(() => product?.[Symbol.asyncDispose]())

/** Resident bytes of a process that runs, as the host's kernel counts them. */
const resident = (pid: number) =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

/**
 * Reads a little at a time, and nothing in between until others had their turn so often: the pipe, and all before it, is full nearly always.
 * Waits for no clock.
 */
async function* slowly(stream: Readable): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    yield chunk as Buffer
  }
}

it.each(kinds)(
  '$kind: a reader that is slower than the process gets all of it, at a bounded price',
  {
    timeout: 300_000,
  },
  async ({ bytes, flags }) => {
    const server = readServerRecord(resolvePaths(product.state, process.env, process.getuid?.() ?? 0).serverRecord)
    if (!server) throw new Error('the server has left no record')
    const args = ['run', ...flags, '--', 'python3', '-c', program(bytes)]
    const child = spawn(path.join(root, 'bulkhead'), args, { env: product.env, stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'close')
    const cli = pidOf(child)
    const digest = createHash('sha256')
    const peak = { cli: 0, server: 0 }
    let first: typeof peak | undefined
    let received = 0
    let looked = 0
    for await (const chunk of slowly(child.stdout)) {
      digest.update(chunk)
      received += chunk.byteLength
      if (received - looked < MiB) continue
      looked = received
      const now = { cli: resident(cli), server: resident(server.pid) }
      first ??= now
      peak.cli = Math.max(peak.cli, now.cli)
      peak.server = Math.max(peak.server, now.server)
    }
    expect(await ended).toEqual([0, null])
    expect(received).toBe(bytes)
    expect(digest.digest('hex')).toBe(expectedDigest(bytes))
    // Windows of 1 MiB, a pipe, and what the collector has not come to; far less than what went through.
    expect(peak.cli - (first?.cli ?? 0), 'of the command').toBeLessThan(192 * MiB)
    expect(peak.server - (first?.server ?? 0), 'of the server').toBeLessThan(192 * MiB)
    expect(Math.max(peak.cli, peak.server)).toBeLessThan(384 * MiB)
  }
)

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error('the command did not start')
  // `bulkhead` becomes Node by exec: the pid stays.
  return child.pid
}
