import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import type { Command } from '../confine/confined-command.ts'

/** What a program may say before it is no longer listened to. */
const maxOutputBytes = 64 * 1024

/**
 * Runs a short program to its end and returns its standard output. `fd` becomes descriptor 3. Rejects when it fails, with what it said on
 * standard error, and with the signal's reason, having killed it.
 */
export async function runProgram(command: Command, signal: AbortSignal, fd?: number): Promise<string> {
  signal.throwIfAborted()
  const child = spawn(command.file, command.args, {
    cwd: '/',
    env: {},
    stdio: ['ignore', 'pipe', 'pipe', ...(fd === undefined ? [] : [fd])],
    signal,
    killSignal: 'SIGKILL',
  })
  const [output, complaint] = [child.stdout, child.stderr].map((stream: Readable | null) => {
    let text = ''
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-maxOutputBytes)
    })
    return () => text.trim()
  })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const [code, killedBy] = await once(child, 'close').catch(async (error: unknown) => {
    // Killed, it has not ended yet: whoever cleans up after it must find nobody there.
    if (child.pid !== undefined) await closed
    throw signal.aborted ? signal.reason : error
  })
  if (code !== 0) throw new Error(complaint?.() || output?.() || `it ended with ${killedBy ?? `status ${code}`}`)
  return output?.() ?? ''
}
