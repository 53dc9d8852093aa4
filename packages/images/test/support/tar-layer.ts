import { Header } from 'tar'

type Kind = 'File' | 'Link' | 'SymbolicLink' | 'CharacterDevice' | 'Directory' | 'SparseFile'

/** An entry as hostile as wanted: nothing of it is checked. */
export interface TarEntry {
  readonly path: string
  readonly type?: Kind
  readonly content?: string
  readonly linkpath?: string
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly device?: readonly [number, number]
  /** What the header claims, when that is not what follows. */
  readonly claimedSize?: number
  readonly xattrs?: Readonly<Record<string, Buffer>>
  /** Further pax records. */
  readonly pax?: Readonly<Record<string, string>>
}

export const modifiedSeconds = 1_500_000_000

/** A tar of entries. Names over 100 bytes go into pax records. */
export function tarLayer(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(encode), Buffer.alloc(1024)])
}

function encode(entry: TarEntry): Buffer[] {
  const content = Buffer.from(entry.content ?? '')
  const long = Buffer.byteLength(entry.path) > 99
  const records = Buffer.concat([
    ...(long ? [paxRecord('path', Buffer.from(entry.path))] : []),
    ...Object.entries(entry.xattrs ?? {}).map(([name, value]) => paxRecord(`SCHILY.xattr.${name}`, value)),
    ...Object.entries(entry.pax ?? {}).map(([name, value]) => paxRecord(name, Buffer.from(value))),
  ])
  const pax =
    records.length > 0 ? [header({ path: 'pax', type: 'ExtendedHeader', size: records.length }), padded(records)] : []
  const own = header({
    path: long ? 'long' : entry.path,
    type: entry.type ?? 'File',
    size: entry.claimedSize ?? content.length,
    mode: entry.mode ?? (entry.type === 'Directory' ? 0o755 : 0o644),
    uid: entry.uid ?? 0,
    gid: entry.gid ?? 0,
    ...(entry.linkpath !== undefined && { linkpath: entry.linkpath }),
    ...(entry.device && { devmaj: entry.device[0], devmin: entry.device[1] }),
  })
  return [...pax, own, padded(content)]
}

function header(fields: ConstructorParameters<typeof Header>[0] & object): Buffer {
  const block = Buffer.alloc(512)
  new Header({ mtime: new Date(modifiedSeconds * 1000), uid: 0, gid: 0, mode: 0o644, ...fields } as never).encode(block)
  return block
}

/** `LENGTH KEY=VALUE\n`, where LENGTH counts itself. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')])
  let length = rest.length
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

const padded = (content: Buffer): Buffer => Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)])
