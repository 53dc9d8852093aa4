import type { FileHandle } from 'node:fs/promises'
import { openPlainFile } from './open-plain-file.ts'

/** The last `maxBytes` of a file as text, trimmed; empty when there is no such file. For what a guest, or a broken-out kernel, may have written. */
export async function readTail(path: string, maxBytes: number): Promise<string> {
  let file: FileHandle
  try {
    file = await openPlainFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
  await using _ = file
  const { size } = await file.stat()
  const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, Math.max(0, size - maxBytes))
  return buffer.toString('utf8', 0, bytesRead).trim()
}
