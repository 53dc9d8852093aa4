import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ArtifactRecipe, contentKey, ensureArtifact } from '../../packages/cli/src/setup/artifact.ts'
import { goBuild, goFlags, goSources } from '../../packages/cli/src/setup/go-builds.ts'
import { applets, busyboxLayer, readBusybox } from '../cluster/images.ts'
import { ociArchive } from '../cluster/oci-archive.ts'

/** For the Pods of Sandboxes that the published SDKs work with: busybox, and as its first process the runtime, on port 8888. */
export const runtimeImage = 'bulkhead.test/runtime:1'

const files = { program: 'runtime', archive: 'runtime.tar' } as const

/** Raised when the image is composed in another way. */
const compositionVersion = '1'

/** Who Pods of the image run as, unless they say otherwise: /app is everybody's. */
const user = 1000

/** Paths of what is built. */
export interface SandboxRuntime {
  /** guest/cmd/runtime, static. */
  readonly program: string
  /** {@link runtimeImage} as an OCI archive. */
  readonly archive: string
}

/** Builds what is missing of the runtime, under `root`, where artefacts are kept. Fails `requirement_missing`. */
export async function ensureSandboxRuntime(root: string, signal: AbortSignal): Promise<SandboxRuntime> {
  const folder = await ensureArtifact(root, await recipe(), signal)
  return { program: join(folder, files.program), archive: join(folder, files.archive) }
}

async function recipe(): Promise<ArtifactRecipe> {
  const guest = join(import.meta.dirname, '..', '..', 'guest')
  const busybox = await readBusybox()
  const digest = createHash('sha256').update(busybox).digest('hex')
  return {
    name: 'sandbox-runtime',
    programs: [files.program],
    key: await contentKey(guest, goSources, [...goFlags, compositionVersion, digest]),
    async build(into, signal) {
      const program = join(into, files.program)
      await goBuild(guest, [program, './cmd/runtime'], signal)
      await writeFile(join(into, files.archive), archive(await readFile(program), busybox, await applets(signal)))
    },
  }
}

const archive = (program: Buffer, busybox: Buffer, names: readonly string[]): Buffer =>
  ociArchive({
    name: runtimeImage,
    layers: [
      busyboxLayer(busybox, names),
      [
        { type: 'File', path: 'bin/sandbox-runtime', content: program, mode: 0o755 },
        { type: 'Directory', path: 'app/', mode: 0o777 },
      ],
    ],
    entrypoint: ['/bin/sandbox-runtime'],
    user: `${user}:${user}`,
  })
