import { createReadStream } from 'node:fs'
import { basename, join } from 'node:path'
import { Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { type BulkheadError, failure, isFailure } from '@bulkhead/wire'
import { Parser } from 'tar'
import type { Progress } from '../contract.ts'
import { lastWords } from '../tool/tail.ts'
import type { Manifest } from './manifest.ts'

export interface LayerLimits {
  /** Of all layers together, unpacked. */
  readonly bytes: number
  /** Files, folders, links of all layers together. */
  readonly entries: number
}

export interface LayerTotals {
  readonly bytes: number
  readonly entries: number
  /** The latest modification time of any entry, in seconds since 1970: the image's own age, the same whoever unpacks it. */
  readonly newestSeconds: number
  /** Of the longest name of a file or folder. */
  readonly nameBytes: number
}

/**
 * Reads all layers once before anything is unpacked, so that a bomb costs time and no disk. Every byte of a file stands in the stream
 * that is counted here, with one exception: holes of sparse files, whose size is only claimed. Those are refused.
 * Fails `image_too_large`, `image_invalid`.
 */
export async function scanLayers(
  layout: string,
  manifest: Manifest,
  reference: string,
  limits: LayerLimits,
  progress: Progress,
  signal: AbortSignal
): Promise<LayerTotals> {
  const compressed = manifest.layers.reduce((sum, layer) => sum + layer.size, 0)
  const totals = { bytes: 0, entries: 0, newestSeconds: 0, nameBytes: 0 }
  let read = 0
  for (const layer of manifest.layers) {
    progress({ step: 'checking layers', fraction: compressed ? read / compressed : 1 })
    const blob = join(layout, 'blobs', 'sha256', layer.digest.slice('sha256:'.length))
    try {
      await scanLayer(blob, layer.mediaType, reference, limits, totals, signal)
    } catch (cause) {
      signal.throwIfAborted()
      if (isFailure(cause)) throw cause
      const problem = `layer ${layer.digest}: ${lastWords(String((cause as Error).message))}`
      throw failure('image_invalid', { reference, problem }, { cause })
    }
    read += layer.size
  }
  return totals
}

async function scanLayer(
  blob: string,
  mediaType: string,
  reference: string,
  limits: LayerLimits,
  totals: { -readonly [Total in keyof LayerTotals]: number },
  signal: AbortSignal
): Promise<void> {
  const tooLarge = (detail: string): BulkheadError =>
    failure('image_too_large', { reference, limitBytes: limits.bytes, detail })
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      totals.bytes += chunk.length
      done(totals.bytes > limits.bytes ? tooLarge('its layers unpack to more') : null, chunk)
    },
  })
  const entries = entryReader((entry) => {
    totals.entries += 1
    if (totals.entries > limits.entries) throw tooLarge(`it has more than ${limits.entries} files`)
    totals.newestSeconds = Math.max(totals.newestSeconds, entry.modifiedSeconds)
    totals.nameBytes = Math.max(totals.nameBytes, entry.nameBytes)
  })
  const source = createReadStream(blob)
  if (/[+.]gzip$/.test(mediaType)) await pipeline(source, createGunzip(), counter, entries, { signal })
  else await pipeline(source, counter, entries, { signal })
}

/** gzip (RFC 1952), zstd (RFC 8878). */
const compressedMagics = [Buffer.from([0x1f, 0x8b]), Buffer.from([0x28, 0xb5, 0x2f, 0xfd])]
const longestMagic = 4

/** Fails on what is no tar at all and on sparse files. Of smaller faults umoci is the judge: they bring no byte that was not counted. */
function entryReader(seen: (entry: { modifiedSeconds: number; nameBytes: number }) => void): Writable {
  const parser = new Parser()
  let problem: unknown
  const attempt = (step: () => void) => {
    try {
      step()
    } catch (error) {
      problem ??= error
    }
  }
  const sparse = () => new Error('it holds a sparse file, whose true size is not in the archive')
  const visit = (entry: { type: string; path: string; mtime?: Date | undefined; resume(): void }) => {
    attempt(() => {
      if (entry.type === 'SparseFile') throw sparse()
      const modifiedSeconds = Math.floor((entry.mtime?.getTime() ?? 0) / 1000)
      seen({ modifiedSeconds, nameBytes: Buffer.byteLength(basename(entry.path)) })
    })
    entry.resume()
  }
  parser.on('entry', visit)
  parser.on('ignoredEntry', visit)
  parser.on('meta', (text: string) => {
    if (/(^|\n)\d+ GNU\.sparse\./.test(text)) problem ??= sparse()
  })
  parser.on('error', (error: unknown) => {
    problem ??= error
  })
  let head = Buffer.alloc(0)
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (head.length < longestMagic) {
        head = Buffer.concat([head, chunk.subarray(0, longestMagic)])
        // The parser would unpack it once more, and what comes out of that nobody has counted.
        if (compressedMagics.some((magic) => head.subarray(0, magic.length).equals(magic))) {
          problem ??= new Error('it is compressed in another way than its media type says, or twice')
        }
      }
      if (problem) return done(problem as Error)
      parser.write(chunk)
      done(problem as Error | undefined)
    },
    final(done) {
      parser.end()
      done(problem as Error | undefined)
    },
  })
}
