import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { release, version } from 'node:os'
import type { MachineRow } from './machine-table.ts'

/**
 * 32 hex digits that change with the VMM, the guest's kernel and agent, the machine it is given and the host's kernel and accelerator: with
 * all that a probe's answer and a snapshot depend on. A file counts as another when its inode, size or time is another.
 */
export async function fingerprint(files: readonly string[], row: MachineRow): Promise<string> {
  const device = row.hardware?.device
  const facts = [
    release(),
    version(),
    process.getuid?.() === 0,
    row,
    ...(await Promise.all(files.map(describe))),
    ...(device ? [await describe(device)] : []),
  ]
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32)
}

async function describe(path: string) {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!found) return [path, 'missing']
  // A device's time changes with every use.
  return found.isFile()
    ? [path, found.ino, found.size, found.mtimeMs]
    : [path, found.rdev, found.mode, found.uid, found.gid]
}
