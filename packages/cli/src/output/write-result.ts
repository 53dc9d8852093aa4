import { rename, rm, writeFile } from 'node:fs/promises'
import { failure } from '@bulkhead/wire/errors'

/** Whole or not at all. Fails `destination_unusable`. */
export async function writeResult(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.partial`
  try {
    await writeFile(draft, text, { flag: 'wx' })
    await rename(draft, file)
  } catch (cause) {
    await rm(draft, { force: true })
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw failure('destination_unusable', { path: file, reason }, { cause })
  }
}
