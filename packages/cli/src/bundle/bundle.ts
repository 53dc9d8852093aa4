import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { commandLineKey } from '../source-key.ts'

/**
 * The command line as a few files instead of some two hundred: it starts in half the time, and starting is part of every run. Made by set-up;
 * where it is missing, or older than the sources, the sources run.
 */
export const bundleEntry = (root: string): string => join(bundleFolder(root), 'program.mjs')

/** As deep as `packages/cli/src`, so that paths relative to a module hold in both. A folder per state: a server may still load from an older one. */
const bundleFolder = (root: string): string => join(root, 'packages', 'cli', `.bundle-${commandLineKey(root)}`)

export const hasBundle = (root: string): boolean => existsSync(bundleEntry(root))

/** Loaded from node_modules when needed: large, or with files of their own. */
const external = [
  /^node:/,
  /^fastify$/,
  /^pino$/,
  /^listr2$/,
  /^tar$/,
  /^cli-table3$/,
  /^rolldown$/,
  /^@kubernetes\/client-node$/,
]
/** How many older bundles stay. */
const kept = 2

/** Appears whole or not at all. */
export async function makeBundle(root: string): Promise<void> {
  const { rolldown } = await import('rolldown')
  const place = bundleFolder(root)
  const draft = `${place}.partial`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true })
  const bundle = await rolldown({ input: join(root, 'packages/cli/src/program.ts'), platform: 'node', external })
  try {
    await bundle.write({ dir: draft, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' })
  } finally {
    await bundle.close()
  }
  await rm(place, { recursive: true, force: true })
  await rename(draft, place)
  await removeOlder(dirname(place), basename(place))
}

async function removeOlder(parent: string, newest: string): Promise<void> {
  const others = (await readdir(parent)).filter((name) => name.startsWith('.bundle-') && name !== newest)
  const aged = await Promise.all(
    others.map(async (name) => ({ path: join(parent, name), madeAt: (await stat(join(parent, name))).mtimeMs }))
  )
  aged.sort((a, b) => b.madeAt - a.madeAt)
  for (const { path } of aged.slice(kept)) await rm(path, { recursive: true, force: true })
}
