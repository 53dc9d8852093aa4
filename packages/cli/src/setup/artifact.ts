import { createHash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isProgram } from './is-program.ts'

/** Something built once for each state of its sources. */
export interface ArtifactRecipe {
  /** [a-z-]: the folder is `<name>-<key>`. */
  readonly name: string
  readonly key: string
  /** Names of the programs it consists of: without one of them it is not there. */
  readonly programs: readonly string[]
  /** Builds into an empty folder, and tells how far it is. */
  build(into: string, signal: AbortSignal, progress: (text: string) => void): Promise<void>
}

/**
 * The folder of the artefact, built unless all of it is there. It appears whole or not at all: built beside its place and renamed. What an interruption
 * left is removed first; a folder that lacks one of its programs makes way only for a whole one. What older sources built stays: running sandboxes may
 * be using it.
 */
export async function ensureArtifact(
  root: string,
  recipe: ArtifactRecipe,
  signal: AbortSignal,
  progress: (text: string) => void = () => {}
): Promise<string> {
  const place = join(root, `${recipe.name}-${recipe.key}`)
  if (hasArtifact(root, recipe)) return place
  await mkdir(root, { recursive: true })
  const draft = `${place}.partial`
  const incomplete = `${place}.incomplete`
  for (const left of [draft, incomplete]) await rm(left, { recursive: true, force: true })
  await mkdir(draft)
  await recipe.build(draft, signal, progress)
  signal.throwIfAborted()
  await flushTree(draft)
  await moveAside(place, incomplete)
  await rename(draft, place)
  await flush(root)
  await rm(incomplete, { recursive: true, force: true })
  return place
}

/** Through to the disk: what has its name is taken for whole, also after a power cut. */
async function flushTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() || entry.isDirectory()) await flush(join(entry.parentPath, entry.name))
  }
  await flush(folder)
}

async function flush(path: string): Promise<void> {
  await using file = await open(path, 'r')
  await file.sync()
}

/** A folder cannot be renamed onto one that has something in it. */
async function moveAside(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** Whether all its programs are there. */
export const hasArtifact = (root: string, recipe: Pick<ArtifactRecipe, 'name' | 'key' | 'programs'>): boolean =>
  recipe.programs.every((program) => isProgram(join(root, `${recipe.name}-${recipe.key}`, program)))

/** 16 hex digits over the names and contents of files below `directory` and over `salt` (flags and the like). */
export async function contentKey(
  directory: string,
  include: (path: string) => boolean,
  salt: readonly string[]
): Promise<string> {
  const digest = createHash('sha256').update(JSON.stringify(salt))
  const paths = (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(include)
    .sort()
  for (const path of paths) {
    const content = await readFile(path)
    digest.update(`${path.slice(directory.length)}\0${content.length}\0`).update(content)
  }
  return digest.digest('hex').slice(0, 16)
}
