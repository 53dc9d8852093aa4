import { createHash } from 'node:crypto'
import { failure } from '@bulkhead/wire'
import { z } from 'zod'
import type { Digest, ImageConfig } from '../contract.ts'
import { lastWords } from '../tool/tail.ts'

/** The slices of the OCI image format that are read, which Docker's v2 schema 2 shares (github.com/opencontainers/image-spec). */
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be a sha256 digest')
const sizeBytes = z.number().int().nonnegative()

const Manifest = z.object({
  mediaType: z.string().optional(),
  config: z.object({ mediaType: z.string(), digest, size: sizeBytes }),
  layers: z.array(z.object({ mediaType: z.string(), digest, size: sizeBytes })).max(1024),
})
export type Manifest = z.infer<typeof Manifest>

const Platform = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() })
const Index = z.object({
  manifests: z.array(z.object({ mediaType: z.string(), digest, platform: Platform.optional() })).max(1024),
})

const strings = z.array(z.string().max(1 << 20)).max(4096)
const Config = z.object({
  os: z.string(),
  architecture: z.string(),
  config: z
    .object({
      Env: strings.nullish(),
      User: z.string().max(255).nullish(),
      WorkingDir: z.string().max(4096).nullish(),
      Entrypoint: strings.nullish(),
      Cmd: strings.nullish(),
    })
    .nullish(),
})

/** What sandboxes run on. Their kernels are of the host's architecture. */
export const platform = { os: 'linux', architecture: 'amd64' } as const
const wanted = `${platform.os}/${platform.architecture}`

/** Of the bytes as they came: the digest of a manifest. */
export const digestOf = (bytes: Buffer): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/** A manifest, or the digest of the one in an index that is for this platform. Fails `image_invalid`, `image_platform_unavailable`. */
export function readManifest(bytes: Buffer, reference: string): { manifest: Manifest } | { chosen: Digest } {
  const json = parseJson(bytes, 'manifest', reference)
  const index = Index.safeParse(json)
  if (!index.success) return { manifest: check(Manifest, json, 'manifest', reference) }
  const chosen = index.data.manifests.find(
    (entry) => entry.platform?.os === platform.os && entry.platform.architecture === platform.architecture
  )
  if (chosen) return { chosen: chosen.digest }
  const offered = index.data.manifests.flatMap(({ platform: p }) => (p ? [`${p.os}/${p.architecture}`] : []))
  throw failure('image_platform_unavailable', {
    reference,
    wanted,
    offered: lastWords(offered.join(', ')) || 'nothing',
  })
}

/** Fails `image_invalid`, `image_platform_unavailable`. */
export function readConfig(bytes: Buffer, reference: string): ImageConfig {
  const image = check(Config, parseJson(bytes, 'configuration', reference), 'configuration', reference)
  if (image.os !== platform.os || image.architecture !== platform.architecture) {
    const offered = lastWords(`${image.os}/${image.architecture}`)
    throw failure('image_platform_unavailable', { reference, wanted, offered })
  }
  const { Env, User, WorkingDir, Entrypoint, Cmd } = image.config ?? {}
  return {
    env: Object.fromEntries((Env ?? []).map(splitVariable)),
    user: User ?? '',
    workdir: WorkingDir?.startsWith('/') ? WorkingDir : `/${WorkingDir ?? ''}`,
    entrypoint: Entrypoint ?? [],
    cmd: Cmd ?? [],
  }
}

function splitVariable(variable: string): [string, string] {
  const at = variable.indexOf('=')
  return at < 0 ? [variable, ''] : [variable.slice(0, at), variable.slice(at + 1)]
}

function parseJson(bytes: Buffer, what: string, reference: string): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch (cause) {
    throw failure('image_invalid', { reference, problem: `its ${what} is not JSON` }, { cause })
  }
}

function check<T>(schema: z.ZodType<T>, json: unknown, what: string, reference: string): T {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const problem = `its ${what} is not one of an image: ${lastWords(z.prettifyError(parsed.error))}`
  throw failure('image_invalid', { reference, problem }, { cause: parsed.error })
}
