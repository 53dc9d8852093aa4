import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { release } from 'node:os'
import type { GvisorOptions } from './gvisor-options.ts'

/** 32 hex digits that change with the binaries, the host's kernel and the user: what a probe's answer and a snapshot depend on. */
export async function fingerprint({
  runsc,
  agent,
  holder,
}: Pick<GvisorOptions, 'runsc' | 'agent' | 'holder'>): Promise<string> {
  const files = await Promise.all([runsc, agent, holder].map((path) => stat(path)))
  const facts = [release(), process.getuid?.() === 0, ...files.map(({ ino, size, mtimeMs }) => [ino, size, mtimeMs])]
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32)
}
