import type { Stats } from 'node:fs'
import { chmod, chown, lstat, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { checkDestination, checkKind, lstatOf, type OutputKind, onHost } from './destination.ts'

interface Move {
  readonly from: string
  readonly to: string
  /** What it replaces. */
  readonly over: Stats | undefined
}

/**
 * Moves what is whole at `staged` to `target`, on the same file system. A folder that is there keeps what it has: what has come is merged into
 * it. Each file is replaced in one step; nothing is replaced when anything is in the way (`destination_unusable`). No link at `target`
 * or below it is followed: where a file or link comes it is replaced, where a folder comes it is in the way.
 */
export async function placeOutput(staged: string, target: string): Promise<void> {
  const kind = kindOf(await lstat(staged))
  await checkDestination(target, kind)
  const moves = await Array.fromAsync(plan(staged, target))
  for (const move of moves) await perform(move)
}

async function* plan(from: string, to: string): AsyncGenerator<Move> {
  const kind = kindOf(await lstat(from))
  const over = await lstatOf(to)
  await checkKind(to, over, kind)
  if (kind === 'file' || !over) yield { from, to, over }
  else for (const name of await readdir(from)) yield* plan(join(from, name), join(to, name))
}

async function perform({ from, to, over }: Move): Promise<void> {
  // As if it had been written into the file that is there.
  if (over?.isFile() && (await lstat(from)).isFile()) {
    if (process.getuid?.() === 0) await onHost(to, chown(from, over.uid, over.gid))
    await onHost(to, chmod(from, over.mode & 0o777))
  }
  await onHost(to, rename(from, to))
}

const kindOf = (stat: Stats): OutputKind => (stat.isDirectory() ? 'folder' : 'file')
