import { mkdir } from 'node:fs/promises'
import { posix, resolve } from 'node:path'
import { Readable } from 'node:stream'
import type { Sandbox } from '@bulkhead/sdk/node'
import { failure } from '@bulkhead/wire/errors'
import { printable } from '../output/printable.ts'
import { talk } from '../output/streams.ts'
import { extractArchive } from './extract-archive.ts'

export interface BringBackOptions {
  /** Where relative paths start; undefined: the user's home. */
  readonly workdir: string | undefined
  readonly user: string | undefined
  readonly signal: AbortSignal
}

/** Copies a file or folder of the sandbox into the current folder, under its own name. What may not come is told on stderr. */
export async function bringBack(sandbox: Sandbox, path: string, options: BringBackOptions): Promise<void> {
  const { signal } = options
  const name = posix.basename(posix.normalize(path))
  if (path === '' || path.includes('\0') || name === '.' || name === '..' || name === '' || name === '/') {
    throw failure('invalid_request', { field: '--out', problem: `${JSON.stringify(path)} names no file or folder` })
  }
  const from = options.workdir === undefined || path.startsWith('/') ? path : posix.join(options.workdir, path)
  const access = { signal, ...(options.user !== undefined && { user: options.user }) }
  const { type } = await sandbox.files.stat(from, access)
  const archive = Readable.from(await sandbox.tree.download(from, access), { objectMode: false })
  // A folder comes as its content, a file as itself.
  const into = type === 'directory' ? resolve(name) : process.cwd()
  await mkdir(into, { recursive: true })
  await extractArchive(archive, into, {
    signal,
    onSkip: (entry, why) => talk(`bulkhead: --out ${printable(path)}: left out ${printable(entry)}: ${why}`),
  })
}
