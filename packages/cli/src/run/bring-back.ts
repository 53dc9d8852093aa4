import { readdir } from 'node:fs/promises'
import { dirname, join, posix, resolve } from 'node:path'
import type { Sandbox } from '@bulkhead/sdk/node'
import { failure } from '@bulkhead/wire/errors'
import { printable } from '../output/printable.ts'
import { talk } from '../output/streams.ts'
import { checkDestination, onHost } from './destination.ts'
import { extractArchive, isBelow, isPlainFile } from './extract-archive.ts'
import { placeOutput } from './place-output.ts'
import { stagingFolder } from './staging-folder.ts'

export interface BringBackOptions {
  /** Where relative paths start; undefined: the user's home. */
  readonly workdir: string | undefined
  readonly user: string | undefined
  readonly signal: AbortSignal
  /** Where it goes; default: the current folder. */
  readonly into?: string
}

/**
 * Copies a file or folder of the sandbox into the current folder, under the name it was asked for by: nothing else there is touched,
 * whatever the guest sends. A file replaces a file, a folder is merged into a folder; see `placeOutput`. It comes whole or not at all. What
 * of a folder may not come is told on stderr.
 */
export async function bringBack(sandbox: Sandbox, path: string, options: BringBackOptions): Promise<void> {
  const { signal, into = process.cwd() } = options
  const name = posix.basename(posix.normalize(path))
  if (path === '' || path.includes('\0') || name === '.' || name === '..' || name === '' || name === '/') {
    throw failure('invalid_request', { field: '--out', problem: `${JSON.stringify(path)} names no file or folder` })
  }
  const shown = `--out ${printable(path)}`
  const from = options.workdir === undefined || path.startsWith('/') ? path : posix.join(options.workdir, path)
  const access = { signal, ...(options.user !== undefined && { user: options.user }) }
  const { type, symlinkTarget } = await sandbox.files.stat(from, access)
  const isFolder = type === 'directory'
  const target = resolve(into, name)
  const there = await checkDestination(target, isFolder ? 'folder' : 'file')
  // A folder that is there may be a file system of its own, and moving has to stay on one.
  await using staging = await stagingFolder(isFolder && there ? target : dirname(target))
  // The agent names a file by what it is once links are followed. Here it has the name that was asked for.
  const names = new Set([name, ...(symlinkTarget === undefined ? [] : [posix.basename(symlinkTarget)])])
  let files = 0
  const notTheFile = (entry: string, entryType: string) => {
    files += 1
    return files === 1 && names.has(entry) && isPlainFile(entryType) ? undefined : 'something other than that one file'
  }
  const notBelow = (entry: string) => (isBelow(entry) ? undefined : 'an entry that is not in the folder')
  const extracted = extractArchive(await sandbox.tree.download(from, access), staging.content, {
    signal,
    id: sandbox.id,
    path: shown,
    maxBytes: sandbox.info.diskBytes,
    refuse: isFolder ? notBelow : notTheFile,
    onSkip: (entry, why) => talk(`bulkhead: ${shown}: left out ${printable(entry)}: ${why}`),
  })
  await onHost(target, extracted)
  await placeOutput(isFolder ? staging.content : await onlyFile(staging.content, sandbox.id, shown), target)
}

async function onlyFile(folder: string, id: string, shown: string): Promise<string> {
  const [only, ...more] = await readdir(folder)
  if (only === undefined || more.length > 0)
    throw failure('guest_answer_invalid', { id, problem: `${shown}: not the file that it had said is there` })
  return join(folder, only)
}
