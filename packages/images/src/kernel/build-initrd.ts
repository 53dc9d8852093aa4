import { createHash, randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { renameDurably } from '../store/durable-file.ts'
import { type CpioEntry, cpio } from './cpio.ts'

const folder = 0o040755
const program = 0o100755
const file = 0o100644

/**
 * The initrd that QEMU gives a guest: the agent as /init, the modules in /modules and their order in /modules/load. Uncompressed, for
 * decompressing would cost every cold boot more than reading. Lies in `into` under the hash of its bytes' inputs and is made once; returns
 * its path. `modules`: in load order, absolute paths.
 */
export async function buildInitrd(inputs: {
  readonly agent: string
  readonly modules: readonly string[]
  readonly into: string
}): Promise<string> {
  const agent = await readFile(inputs.agent)
  const modules = await Promise.all(
    inputs.modules.map(async (path) => ({ name: basename(path), content: await readFile(path) }))
  )
  const entries: CpioEntry[] = [
    { path: 'init', mode: program, content: agent },
    ...['dev', 'proc', 'sys', 'modules'].map((path) => ({ path, mode: folder })),
    { path: 'modules/load', mode: file, content: Buffer.from(modules.map(({ name }) => `${name}\n`).join('')) },
    ...modules.map(({ name, content }) => ({ path: `modules/${name}`, mode: file, content })),
  ]
  const pieces = [...cpio(entries)]
  const hash = createHash('sha256')
  for (const piece of pieces) hash.update(piece)
  const path = join(inputs.into, `initrd-${hash.digest('hex')}.cpio`)
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
  if (statSync(path, { throwIfNoEntry: false })?.size !== bytes) await writeWhole(inputs.into, path, pieces)
  return path
}

/** Several processes may do it at once: each writes its own file, and the last rename changes nothing. */
async function writeWhole(into: string, path: string, pieces: readonly Buffer[]): Promise<void> {
  await mkdir(into, { recursive: true })
  const temporary = `${path}.${randomBytes(8).toString('hex')}`
  try {
    await writeFile(temporary, pieces, { flag: 'wx', mode: 0o644, flush: true })
    renameDurably(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}
