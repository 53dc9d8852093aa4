export interface CpioEntry {
  /** Relative, without a leading slash. Folders before what is in them. */
  readonly path: string
  /** Type and permission bits, as in `st_mode`. */
  readonly mode: number
  /** Of a file. */
  readonly content?: Buffer
}

/**
 * A cpio archive in the `newc` format, which Linux unpacks as its initrd (Documentation/driver-api/early-userspace/buffer-format.rst).
 * Owner 0, time 0, inode numbers in order: the same bytes for the same entries. Given in pieces, none copied.
 */
export function* cpio(entries: Iterable<CpioEntry>): Generator<Buffer> {
  let inode = 0
  for (const entry of entries) {
    inode += 1
    yield* member(entry, inode)
  }
  yield* member({ path: 'TRAILER!!!', mode: 0 }, 0)
}

function* member(entry: CpioEntry, inode: number): Generator<Buffer> {
  const name = Buffer.from(`${entry.path}\0`)
  const content = entry.content ?? Buffer.alloc(0)
  const links = 1
  // Magic, then: inode, mode, uid, gid, links, time, size, device (major, minor), device it stands for (major, minor), name, checksum.
  const fields = [inode, entry.mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, name.length, 0]
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`)
  yield header
  yield name
  yield padding(header.length + name.length)
  yield content
  yield padding(content.length)
}

/** Name and content each end on a multiple of four bytes. */
const padding = (length: number): Buffer => Buffer.alloc((4 - (length % 4)) % 4)
