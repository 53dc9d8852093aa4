import type { Dirent } from 'node:fs'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import ignore, { type Ignore } from 'ignore'

export interface WalkOptions {
  /** Everything, also what .gitignore excludes and `.git` itself. */
  readonly all: boolean
  /** Told of what cannot be uploaded: sockets, devices, pipes. */
  readonly onSkip: (path: string, why: string) => void
  readonly signal: AbortSignal
}

/**
 * Paths below `root`, relative to it, parents before children. As git sees it: each folder's .gitignore holds for what is below it, those of the
 * folders above `root` in the same repository count too, and an excluded folder is not entered. Links are named, not followed.
 */
export async function* walkFolder(root: string, options: WalkOptions): AsyncGenerator<string> {
  const rules = options.all ? [] : await rulesAbove(root)
  yield* walk(root, '', rules, options)
}

/** One .gitignore: its patterns are relative to `base`. */
interface Rules {
  readonly base: string
  readonly matcher: Ignore
}

async function* walk(
  root: string,
  folder: string,
  inherited: readonly Rules[],
  options: WalkOptions
): AsyncGenerator<string> {
  options.signal.throwIfAborted()
  const here = join(root, folder)
  const own = options.all ? undefined : await readRules(here, join(here, '.gitignore'))
  const rules = own ? [...inherited, own] : inherited
  const entries = await readdir(here, { withFileTypes: true })
  for (const entry of entries.sort(byName)) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (!options.all && (entry.name === '.git' || isIgnored(rules, join(here, entry.name), entry.isDirectory())))
      continue
    if (entry.isDirectory()) {
      yield path
      yield* walk(root, path, rules, options)
    } else if (entry.isFile() || entry.isSymbolicLink()) {
      yield path
    } else {
      options.onSkip(path, 'neither file, folder nor link')
    }
  }
}

/** The innermost .gitignore that has a say wins; within one file the last pattern does. */
function isIgnored(rules: readonly Rules[], path: string, isFolder: boolean): boolean {
  for (const { base, matcher } of rules.toReversed()) {
    const inside = relative(base, path).split(sep).join('/')
    const verdict = matcher.test(isFolder ? `${inside}/` : inside)
    if (verdict.ignored) return true
    if (verdict.unignored) return false
  }
  return false
}

/** Of the folders from the repository's top down to just above `root`, and the repository's own exclude file. */
async function rulesAbove(root: string): Promise<Rules[]> {
  const folders: string[] = []
  for (let folder = root; ; folder = dirname(folder)) {
    folders.unshift(folder)
    if (await exists(join(folder, '.git'))) {
      const files = [
        { base: folder, file: join(folder, '.git', 'info', 'exclude') },
        ...folders.filter((above) => above !== root).map((above) => ({ base: above, file: join(above, '.gitignore') })),
      ]
      const found = await Promise.all(files.map(({ base, file }) => readRules(base, file)))
      return found.filter((rules) => rules !== undefined)
    }
    if (dirname(folder) === folder) return [] // in no repository: only what is in the folder itself counts
  }
}

async function readRules(base: string, file: string): Promise<Rules | undefined> {
  try {
    return { base, matcher: ignore().add(await readFile(file, 'utf8')) }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
