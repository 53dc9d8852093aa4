import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { failure } from '@bulkhead/wire/errors'
import { type ArtifactRecipe, contentKey } from '../../packages/cli/src/setup/artifact.ts'
import { goBuild, goFlags, goSources } from '../../packages/cli/src/setup/go-builds.ts'
import { isStatic } from './elf.ts'
import { ociArchive } from './oci-archive.ts'
import { runTool, toolPath } from './run-tool.ts'
import type { TarEntry } from './tar-archive.ts'

/** Images that every node has from its start; pods name them with imagePullPolicy IfNotPresent, the default for such tags. */
export const pauseImage = 'bulkhead.test/pause:1'
export const busyboxImage = 'bulkhead.test/busybox:1'

/** Files of the artefact. `pause` is the program alone: also the first process of each machine. */
export const imageFiles = { pause: 'pause.tar', busybox: 'busybox.tar', program: 'pause' } as const

/** Raised when the images are composed in another way. */
const compositionVersion = '2'

/** `wget` crashes in Debian's static build, on the C library's way to look up names; `nc` does without. */
const leftOut = new Set(['busybox', 'wget'])

/** Both images as OCI archives, and the pause program. */
export async function imagesRecipe(): Promise<ArtifactRecipe> {
  const pauseSource = join(import.meta.dirname, 'modules', 'pause')
  const busybox = await readBusybox()
  const digest = createHash('sha256').update(busybox).digest('hex')
  return {
    name: 'cluster-images',
    programs: [imageFiles.program],
    key: await contentKey(pauseSource, goSources, [...goFlags, compositionVersion, digest]),
    async build(into, signal) {
      const program = join(into, imageFiles.program)
      await goBuild(pauseSource, [program, '.'], signal)
      await writeFile(join(into, imageFiles.pause), pauseArchive(await readFile(program)))
      await writeFile(join(into, imageFiles.busybox), busyboxArchive(busybox, await applets(signal)))
    },
  }
}

const pauseArchive = (program: Buffer): Buffer =>
  ociArchive({
    name: pauseImage,
    layers: [[{ type: 'File', path: 'pause', content: program, mode: 0o755 }]],
    entrypoint: ['/pause'],
  })

function busyboxArchive(program: Buffer, applets: readonly string[]): Buffer {
  const directory = (path: string, mode = 0o755): TarEntry => ({ type: 'Directory', path, mode })
  const text = (path: string, content: string): TarEntry => ({ type: 'File', path, content: Buffer.from(content) })
  return ociArchive({
    name: busyboxImage,
    layers: [
      [
        directory('bin/'),
        { type: 'File', path: 'bin/busybox', content: program, mode: 0o755 },
        ...applets.map((name): TarEntry => ({ type: 'SymbolicLink', path: `bin/${name}`, target: 'busybox' })),
        directory('etc/'),
        text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n'),
        text('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
        directory('root/', 0o700),
        directory('tmp/', 0o1777),
        directory('usr/'),
        { type: 'SymbolicLink', path: 'usr/bin', target: '../bin' },
        directory('var/'),
      ],
    ],
    command: ['/bin/sh'],
  })
}

/** The names busybox answers to; a link for each. */
async function applets(signal: AbortSignal): Promise<string[]> {
  const listed = (await runTool(['busybox', '--list'], signal)).split('\n')
  return listed.filter((name) => !leftOut.has(name) && /^[a-z0-9[._-]+$/i.test(name))
}

/** Debian has it in two packages, and the other one's would need libraries in the image. Fails `requirement_missing`, `cluster_unsupported`. */
async function readBusybox(): Promise<Buffer> {
  const path = toolPath('busybox')
  let program: Buffer
  try {
    program = await readFile(path)
  } catch (cause) {
    const facts = { program: 'busybox', package: 'busybox-static', why: 'the image that every node of a cluster has' }
    throw failure('requirement_missing', facts, { cause })
  }
  if (isStatic(program)) return program
  throw failure('cluster_unsupported', { reason: `${path} needs libraries; install the Debian package busybox-static` })
}
