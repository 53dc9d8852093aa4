import { Header } from 'tar'

export interface Entry {
  path: string
  type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'FIFO'
  linkpath?: string
  mode?: number
  content?: string
  /** What the header says; default: as large as the content is. */
  size?: number
}

/** A tar as a hostile agent would write it: no writer's own checks in between. */
export function tarOf(...entries: Entry[]): Buffer {
  return Buffer.concat([...entries.map(tarEntry), Buffer.alloc(1024)])
}

/** One entry, without the end of the archive. */
export function tarEntry({
  path,
  type = 'File',
  linkpath,
  mode = 0o644,
  content = '',
  size = content.length,
}: Entry): Buffer {
  const head = Buffer.alloc(512)
  new Header({ path, type, mode, size, ...(linkpath !== undefined && { linkpath }) }).encode(head)
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512)
  body.write(content)
  return Buffer.concat([head, body])
}
