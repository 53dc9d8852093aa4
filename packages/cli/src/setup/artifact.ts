import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Something built once for each state of its sources. */
export interface ArtifactRecipe {
  /** [a-z-]: the folder is `<name>-<key>`. */
  readonly name: string
  readonly key: string
  /** Builds into an empty folder, and tells how far it is. */
  build(into: string, signal: AbortSignal, progress: (text: string) => void): Promise<void>
}

/**
 * The folder of the artefact, built unless it is there. It appears whole or not at all: built beside its place and renamed. What an interruption left
 * is removed first. What older sources built stays: running sandboxes may be using it.
 */
export async function ensureArtifact(
  root: string,
  recipe: ArtifactRecipe,
  signal: AbortSignal,
  progress: (text: string) => void = () => {}
): Promise<string> {
  const place = join(root, `${recipe.name}-${recipe.key}`)
  if (existsSync(place)) return place
  await mkdir(root, { recursive: true })
  const draft = `${place}.partial`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft)
  await recipe.build(draft, signal, progress)
  signal.throwIfAborted()
  await rename(draft, place)
  return place
}

export const hasArtifact = (root: string, recipe: Pick<ArtifactRecipe, 'name' | 'key'>): boolean =>
  existsSync(join(root, `${recipe.name}-${recipe.key}`))

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
