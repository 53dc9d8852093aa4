import { hash } from 'node:crypto'
import { type Dirent, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Files that count towards a key. */
export interface SourcePart {
  readonly folder: string
  readonly files: RegExp
  /** Names of folders below it that do not count. */
  readonly skipped?: ReadonlySet<string>
}

const typescript = /(?<!\.test)\.ts$/
const go = /(?<!_test)\.go$|\/go\.(mod|sum)$/

/** What a running server and an installation were made from. The command line's own commands do not count: they are loaded anew each time. */
const serverParts: readonly SourcePart[] = [
  ...['wire', 'sandbox', 'kernel', 'witness', 'images', 'engine', 'server', 'cli'].map((name) => ({
    folder: `packages/${name}/src`,
    files: typescript,
    skipped: new Set(['node_modules', 'commands', 'run', 'output', 'testing']),
  })),
  { folder: 'guest', files: go },
  { folder: 'tools/runsc', files: go },
]

/** Everything the command line can load. */
const commandLineParts: readonly SourcePart[] = [
  { folder: 'packages', files: typescript, skipped: new Set(['node_modules', 'test', 'testing']) },
]

export const sourceKey = (root: string): string => keyOf(root, serverParts)
export const commandLineKey = (root: string): string => keyOf(root, commandLineParts)

/**
 * 16 hex digits that change when a source file is added, removed or written. Over names, sizes and times, not contents: this is part of every
 * run, and takes 2 ms for 300 files.
 */
function keyOf(root: string, parts: readonly SourcePart[]): string {
  const seen: string[] = []
  const visit = (folder: string, { files, skipped }: SourcePart) => {
    for (const entry of entriesOf(folder)) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        if (!skipped?.has(entry.name) && !entry.name.startsWith('.'))
          visit(path, { folder, files, ...(skipped && { skipped }) })
      } else if (files.test(path)) {
        const { size, mtimeMs } = statSync(path)
        seen.push(`${path.slice(root.length)}\0${size}\0${mtimeMs}`)
      }
    }
  }
  for (const part of parts) visit(join(root, part.folder), part)
  return hash('sha256', seen.sort().join('\n')).slice(0, 16)
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
