import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Digest } from '../contract.ts'

/**
 * Where things lie in a store. A foreign name never becomes part of a path: what it names is found by hash.
 *
 * ```
 * blobs/sha256-<hex>/rootfs.erofs   the file system          names/<hash of name>.json   {name, digest}
 * blobs/sha256-<hex>/image.json     what is known of it      kernels/                    guest kernels, see ../kernel
 * work/<pid>.<start>.<random>/      what is being made       lock.sqlite                 held for the moment of a change
 * ```
 */
export class StoreLayout {
  readonly root: string
  readonly blobs: string
  readonly names: string
  readonly work: string
  readonly kernels: string
  readonly lock: string

  constructor(root: string) {
    this.root = root
    this.blobs = join(root, 'blobs')
    this.names = join(root, 'names')
    this.work = join(root, 'work')
    this.kernels = join(root, 'kernels')
    this.lock = join(root, 'lock.sqlite')
  }

  blob(digest: Digest): string {
    return join(this.blobs, blobName(digest))
  }

  rootImage(digest: Digest): string {
    return join(this.blob(digest), 'rootfs.erofs')
  }

  description(digest: Digest): string {
    return join(this.blob(digest), 'image.json')
  }

  nameFile(name: string): string {
    return join(this.names, `${createHash('sha256').update(name).digest('hex')}.json`)
  }
}

const digestPattern = /^sha256:[0-9a-f]{64}$/
export const isDigest = (text: string): boolean => digestPattern.test(text)

/** Throws on anything but a digest: the last guard before one becomes a folder's name. */
function blobName(digest: Digest): string {
  if (!isDigest(digest)) throw new TypeError('not a sha256 digest')
  return digest.replace(':', '-')
}

/** The digest a folder below `blobs/` stands for. */
export function digestOfBlobName(folder: string): Digest | undefined {
  const digest = folder.replace('-', ':')
  return isDigest(digest) ? digest : undefined
}
