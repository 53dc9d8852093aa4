import { Header } from 'tar'

/** An entry of a tar archive. Owner and group are root, the time is fixed: equal entries make equal archives. */
export type TarEntry =
  | { readonly type: 'Directory'; readonly path: string; readonly mode?: number }
  | { readonly type: 'File'; readonly path: string; readonly content: Buffer; readonly mode?: number }
  | { readonly type: 'SymbolicLink'; readonly path: string; readonly target: string }

const blockBytes = 512
/** What a name of the classic header has room for; ours are shorter. */
const longestPath = 99

/** For the small archives of our own images, in memory. Throws a `TypeError` for a path that the classic header has no room for. */
export function tarArchive(entries: readonly TarEntry[]): Buffer {
  // Two empty blocks end an archive.
  return Buffer.concat([...entries.flatMap(encode), Buffer.alloc(2 * blockBytes)])
}

function encode(entry: TarEntry): Buffer[] {
  if (Buffer.byteLength(entry.path) > longestPath) throw new TypeError(`too long for this archive: ${entry.path}`)
  const content = entry.type === 'File' ? entry.content : Buffer.alloc(0)
  const header = Buffer.alloc(blockBytes)
  new Header({
    path: entry.path,
    type: entry.type,
    size: content.length,
    mode: entry.type === 'SymbolicLink' ? 0o777 : (entry.mode ?? (entry.type === 'Directory' ? 0o755 : 0o644)),
    uid: 0,
    gid: 0,
    mtime: new Date(0),
    ...(entry.type === 'SymbolicLink' && { linkpath: entry.target }),
  }).encode(header)
  return [header, content, Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes)]
}
