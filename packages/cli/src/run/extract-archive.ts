import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, type ReadEntry } from 'tar'

/**
 * Unpacks what the guest sent below `into`. The guest is hostile: nothing is written outside `into`, no link that leads out of it is made, nor
 * devices, hard links or set-uid bits; what is already there is not followed if it is a link. `onSkip` is told of what was left out.
 * Rejects when the stream is no whole archive; what came before stays.
 */
export async function extractArchive(
  archive: Readable,
  into: string,
  options: { signal: AbortSignal; onSkip: (path: string, why: string) => void }
): Promise<void> {
  const unpack = extract({
    cwd: into,
    strict: true, // a truncated or garbled archive is an error, not a warning
    preserveOwner: false,
    preservePaths: false,
    chmod: false,
    noMtime: false,
    maxReadSize: 1024 * 1024,
    filter: (path, entry) => {
      const why = reasonToSkip(path, entry as ReadEntry)
      if (why) options.onSkip(path, why)
      return !why
    },
  })
  await pipeline(archive, unpack, { signal: options.signal })
}

const plain = new Set(['File', 'OldFile', 'ContiguousFile', 'Directory'])

/** Why an entry is not taken; undefined: it is. */
export function reasonToSkip(
  path: string,
  entry: Pick<ReadEntry, 'type' | 'linkpath'> & { mode?: number }
): string | undefined {
  if (path.startsWith('/') || path.split('/').includes('..')) return 'its path leads out of the folder'
  if (entry.mode !== undefined) entry.mode &= 0o777
  if (plain.has(entry.type)) return undefined
  if (entry.type !== 'SymbolicLink') return `it is a ${entry.type}`
  return staysInside(path, entry.linkpath ?? '') ? undefined : 'it is a link that leads out of the folder'
}

/**
 * True for a relative target whose leading `..` do not climb above the top, and that has none after the first name: what follows a name could be
 * another link, so `name/..` is not where it seems. The entry's own folders are real ones, because nothing is unpacked through a link.
 */
function staysInside(path: string, target: string): boolean {
  if (target === '' || target.startsWith('/')) return false
  const parts = target.split('/').filter((part) => part !== '' && part !== '.')
  const climbs = parts.findIndex((part) => part !== '..')
  const up = climbs === -1 ? parts.length : climbs
  const depth = posix.normalize(path).split('/').filter(Boolean).length - 1
  return up <= depth && !parts.slice(up).includes('..')
}
