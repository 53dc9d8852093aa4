import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { onHost } from './destination.ts'

/** Where what comes back is put together: `content`, in a folder below `beside` that only this user can enter. Disposing removes it. */
export async function stagingFolder(beside: string): Promise<{ readonly content: string } & AsyncDisposable> {
  const folder = await onHost(beside, mkdtemp(join(beside, '.bulkhead-out-')))
  // Tried again: an unpacking that was broken off may still be making its last file.
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 5 })
  await using undo = new AsyncDisposableStack()
  undo.defer(remove)
  const content = join(folder, 'content')
  await onHost(beside, mkdir(content))
  undo.move()
  return { content, [Symbol.asyncDispose]: remove }
}
