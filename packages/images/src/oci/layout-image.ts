import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { failure } from '@bulkhead/wire'
import { z } from 'zod'
import { type Manifest, readManifest } from './manifest.ts'

const maxJsonBytes = 4 * 1024 * 1024
const Index = z.object({
  manifests: z.array(z.object({ digest: z.string().regex(/^sha256:[0-9a-f]{64}$/) })).length(1),
})

/** The one image of a layout that skopeo has just written and checked: its manifest, as it is there, and its configuration's bytes. */
export async function readLayoutImage(
  layout: string,
  reference: string
): Promise<{ manifest: Manifest; config: Buffer }> {
  const index = Index.parse(JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')))
  const bytes = await readBlob(layout, index.manifests[0]?.digest ?? '', reference)
  const found = readManifest(bytes, reference)
  if (!('manifest' in found))
    throw failure('image_invalid', { reference, problem: 'an index stands where an image should' })
  return { manifest: found.manifest, config: await readBlob(layout, found.manifest.config.digest, reference) }
}

async function readBlob(layout: string, digest: string, reference: string): Promise<Buffer> {
  const path = join(layout, 'blobs', 'sha256', digest.slice('sha256:'.length))
  const { size } = await stat(path)
  if (size > maxJsonBytes) throw failure('image_invalid', { reference, problem: `${digest} has ${size} bytes` })
  return readFile(path)
}
