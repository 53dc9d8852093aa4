import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { BulkheadError, type ErrorBody, failure } from '@bulkhead/wire/errors'
import type { Paths } from '../paths.ts'

/** What the server says over descriptor 3, as one line, when it listens or has given up. */
export type StartReport = { readonly ready: true } | { readonly error: ErrorBody }

/** The server's end of that pipe. */
export const reportDescriptor = 3

/**
 * Starts a server that outlives this process, and resolves when it listens. Fails with the server's own error, or `server_start_failed` when it died
 * without one. An abort ends it. `env`: what the server's settings are read from.
 */
export async function spawnServer(
  paths: Paths,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv = process.env
): Promise<void> {
  signal.throwIfAborted()
  // What is written outside of the log's own lines: a crash of Node itself.
  const log = openSync(`${paths.serverLog}.crash`, 'w', 0o600)
  const child = spawn(process.execPath, [join(paths.source, 'packages/cli/src/main.ts'), 'server', 'start'], {
    cwd: '/',
    detached: true,
    env: { ...env, BULKHEAD_STATE_DIR: paths.state, BULKHEAD_REPORT_START: '1' },
    stdio: ['ignore', log, log, 'pipe'],
  })
  closeSync(log)
  const abort = () => void child.kill('SIGTERM')
  signal.addEventListener('abort', abort, { once: true })
  try {
    const spawned = new Promise<never>((_, reject) => child.once('error', reject))
    const said = await Promise.race([readAll(child.stdio[reportDescriptor] as NodeJS.ReadableStream), spawned])
    signal.throwIfAborted()
    const report = parseReport(said)
    if (!report)
      throw failure('server_start_failed', { reason: 'it ended without a word', log: `${paths.serverLog}.crash` })
    if ('error' in report) throw startError(report.error, paths)
  } finally {
    signal.removeEventListener('abort', abort)
    child.unref()
  }
}

/** One without a name is no use to who reads it: the place of the whole story is. */
const startError = (error: ErrorBody, paths: Paths): BulkheadError =>
  error.code === 'internal_error'
    ? failure('server_start_failed', { reason: error.message, log: paths.serverLog })
    : new BulkheadError(error)

/** Until the server closes it, which its death does too. */
async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += chunk
  return text
}

function parseReport(text: string): StartReport | undefined {
  try {
    return JSON.parse(text) as StartReport
  } catch {
    return undefined // nothing, or half a line: it died in between
  }
}
