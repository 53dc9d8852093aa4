import { once } from 'node:events'
import { posix } from 'node:path'
import { failure } from '@bulkhead/wire/errors'
import { extract, type ReadEntry } from 'tar'

export interface ExtractOptions {
  readonly signal: AbortSignal
  /** For errors: the sandbox, and what was asked of it. */
  readonly id: string
  readonly path: string
  /** Of the files' content together. */
  readonly maxBytes: number
  readonly maxEntries?: number
  /** Why an entry shows that this is not what was asked for; then nothing of the archive is taken. */
  readonly refuse?: (path: string, type: string) => string | undefined
  /** Told of what is left out while the rest is taken. */
  readonly onSkip: (path: string, why: string) => void
}

/** More than any honest folder has; each costs the host an inode and some work. */
const mostEntries = 1_000_000
/** What an entry may have beside its content: its headers with a long name and a few attributes. */
const headerBytes = 8 * 1024
/** What the archive may have beside its entries: the end marker with its padding, and what was not parsed yet when it was counted. */
const slackBytes = 16 * 1024 * 1024

/**
 * Unpacks what the guest sent below `into`, a folder nobody else writes to. The guest is hostile: nothing is written outside `into`, no link
 * that leads out of it is made, nor devices, hard links or set-uid bits; no link is written through. Fails `guest_answer_invalid` when the stream
 * is no whole, plain archive of what was asked for, `output_too_large`, or as the file system does; what came before stays in `into`.
 */
export async function extractArchive(
  archive: AsyncIterable<Uint8Array>,
  into: string,
  options: ExtractOptions
): Promise<void> {
  const { signal, id, path: asked, maxBytes, maxEntries = mostEntries } = options
  const invalid = (problem: string, cause?: unknown) =>
    failure('guest_answer_invalid', { id, problem: `${asked}: ${problem}` }, { cause })
  const tooLarge = (limit: string) => failure('output_too_large', { path: asked, limit })
  let failed: { error: unknown } | undefined
  let ended = false
  let received = 0
  let entries = 0
  let content = 0

  const problemOf = (path: string, { type, size }: ReadEntry): Error | undefined => {
    entries += 1
    content += size
    if (entries > maxEntries) return tooLarge(`${maxEntries} entries`)
    if (content > maxBytes) return tooLarge(`${maxBytes} bytes, as its disk has`)
    const wrong = options.refuse?.(path, type)
    return wrong === undefined ? undefined : invalid(wrong)
  }
  const unpack = extract({
    cwd: into,
    strict: true, // a truncated or garbled archive is an error, not a warning
    preserveOwner: false,
    preservePaths: false,
    chmod: false,
    noMtime: false,
    zstd: false,
    maxReadSize: 1024 * 1024,
    filter: (path, found) => {
      const entry = found as ReadEntry
      const error = problemOf(path, entry)
      if (error) {
        failed ??= { error }
        unpack.abort(new Error(error.message)) // one of its own: the parser writes into it
        return false
      }
      const why = reasonToSkip(path, entry)
      if (why) options.onSkip(path, why)
      return !why
    },
  })
  unpack.on('error', (error: NodeJS.ErrnoException) => {
    failed ??= {
      error: error.errno === undefined ? invalid(`no archive that can be used: ${error.message}`, error) : error,
    }
  })
  unpack.on('eof', () => {
    ended = true
  })
  const check = () => {
    signal.throwIfAborted()
    if (failed) throw failed.error
  }

  for await (const chunk of uncompressed(archive, () => invalid('a compressed archive, and nobody asked for one'))) {
    check()
    received += chunk.byteLength
    if (received > maxBytes + (entries + 1) * headerBytes + slackBytes)
      throw tooLarge(`${maxBytes} bytes, as its disk has`)
    // What follows the end has no meaning, and the parser would collect it.
    if (!ended && !unpack.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)) && !failed)
      await once(unpack, 'drain', { signal }).catch(check)
  }
  check()
  if (!ended) throw invalid('the archive has no end')
  if (entries === 0) return // an empty folder, which the parser does not take for an archive
  const finished = once(unpack, 'finish')
  unpack.end()
  await finished.catch(check)
  check()
}

const magics = [Buffer.from([0x1f, 0x8b]), Buffer.from([0x28, 0xb5, 0x2f, 0xfd])]
const longestMagic = 4

/** The same bytes, unless they begin as gzip or zstd do: the parser would unpack those, whatever they become. */
async function* uncompressed(archive: AsyncIterable<Uint8Array>, error: () => Error): AsyncGenerator<Uint8Array> {
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of archive) {
    if (!head) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    if (head.length < longestMagic) continue
    const start = head
    if (magics.some((magic) => start.subarray(0, magic.length).equals(magic))) throw error()
    yield start
    head = undefined
  }
}

const plain = new Set(['File', 'OldFile', 'ContiguousFile'])

/** Whether an entry of that type is a file with content of its own. */
export const isPlainFile = (type: string): boolean => plain.has(type)

/** Whether the path is of something below the folder. */
export const isBelow = (path: string): boolean => !path.startsWith('/') && !path.split('/').includes('..')

/** Why an entry is not taken; undefined: it is. */
export function reasonToSkip(
  path: string,
  entry: Pick<ReadEntry, 'type' | 'linkpath'> & { mode?: number }
): string | undefined {
  if (!isBelow(path)) return 'its path leads out of the folder'
  if (entry.mode !== undefined) entry.mode &= 0o777
  if (isPlainFile(entry.type) || entry.type === 'Directory') return undefined
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
