import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { failure } from '@bulkhead/wire/errors'
import { create, type WriteEntry } from 'tar'
import { type WalkOptions, walkFolder } from './folder-walk.ts'

/** A tar stream of the folder's content, for `PUT /tree`. Fails `invalid_request` when it is not a folder. */
export async function archiveFolder(path: string, options: WalkOptions): Promise<Readable> {
  const root = resolve(path)
  const isFolder = await stat(root).then(
    (found) => found.isDirectory(),
    (cause: NodeJS.ErrnoException) => {
      throw failure(
        'invalid_request',
        { field: '--dir', problem: `${path}: ${cause.code ?? cause.message}` },
        { cause }
      )
    }
  )
  if (!isFolder) throw failure('invalid_request', { field: '--dir', problem: `${path} is not a folder` })
  return archive(root, await Array.fromAsync(walkFolder(root, options)))
}

/** A tar stream with one script in it, under its own name; executable, whatever it is here: that it is to be run was asked for. */
export const archiveScript = (path: string): Readable =>
  archive(dirname(path), [basename(path)], (entry) => {
    if (entry.stat) entry.stat.mode |= 0o111
  })

function archive(cwd: string, paths: readonly string[], change?: (entry: WriteEntry) => void): Readable {
  // `./` because a name that starts with @ would be taken for an archive to include. Owners stay here: in the sandbox the user owns them.
  const pack = create(
    {
      cwd,
      portable: true,
      noDirRecurse: true,
      onWriteEntry: (entry) => {
        entry.noMtime = false // `portable` would take it from folders
        change?.(entry)
      },
    },
    paths.map((name) => `./${name}`)
  )
  return Readable.from(pack as AsyncIterable<Buffer>, { objectMode: false })
}
