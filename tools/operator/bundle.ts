import { join } from 'node:path'

/** The programs of the image, and what they are made from. */
const entries = {
  'operator.mjs': 'packages/kubernetes/src/operator/main.ts',
  'router.mjs': 'packages/kubernetes/src/router/main.ts',
} as const

const root = join(import.meta.dirname, '..', '..')

/** Makes `<folder>/operator.mjs` and `<folder>/router.mjs`: each a program in one file, with all it imports. */
export async function bundle(folder: string, signal: AbortSignal): Promise<void> {
  const { rolldown } = await import('rolldown')
  for (const [file, entry] of Object.entries(entries)) {
    signal.throwIfAborted()
    await using building = await rolldown({ input: join(root, entry), platform: 'node' })
    await building.write({ file: join(folder, file), format: 'esm', codeSplitting: false })
  }
}
