import type { Stats } from 'node:fs'
import { access, constants, lstat } from 'node:fs/promises'
import { failure } from '@bulkhead/wire/errors'
import { printable } from '../output/printable.ts'

export type OutputKind = 'file' | 'folder'

/**
 * What is there where a file or folder is to go; undefined: nothing. Fails `destination_unusable` for a symbolic link, which would lead somewhere
 * else, for something of another kind, and for a file that may not be written.
 */
export async function checkDestination(path: string, kind: OutputKind): Promise<Stats | undefined> {
  const found = await lstatOf(path)
  if (found?.isSymbolicLink()) throw unusable(path, 'it is a symbolic link')
  await checkKind(path, found, kind)
  return found
}

/** A folder only goes into a folder, and anything else never onto one. */
export async function checkKind(path: string, found: Stats | undefined, kind: OutputKind): Promise<void> {
  if (!found) return
  if (kind === 'folder' && !found.isDirectory()) throw unusable(path, 'it is no folder, and what comes back is one')
  if (kind === 'file' && found.isDirectory()) throw unusable(path, 'it is a folder, and what comes back is none')
  // A rename does not ask.
  if (found.isFile()) await onHost(path, access(path, constants.W_OK))
}

export async function lstatOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unusable(path, reasonOf(error), error)
  }
}

/** A call of the file system; what it refuses is `destination_unusable`. Every other error passes. */
export async function onHost<Result>(path: string, call: Promise<Result>): Promise<Result> {
  try {
    return await call
  } catch (error) {
    if ((error as NodeJS.ErrnoException).errno === undefined) throw error
    throw unusable(path, reasonOf(error), error)
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const unusable = (path: string, reason: string, cause?: unknown) =>
  failure('destination_unusable', { path: printable(path), reason }, { cause })
