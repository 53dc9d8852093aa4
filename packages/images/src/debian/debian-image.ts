import { createHash } from 'node:crypto'
import { lstat, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, defaultImageName, type ImageConfig, type Progress } from '../contract.ts'
import { packErofs } from '../erofs.ts'
import type { StoreLayout } from '../store/store-layout.ts'
import type { StoredImages } from '../store/stored-images.ts'
import { WorkFolder } from '../store/work-folder.ts'
import { runToolOrFail } from '../tool/run-tool.ts'
import { suite } from './debian-sources.ts'
import { mmdebstrap } from './mmdebstrap.ts'

/** What is in the default image. Any change here makes a new image on the next set-up. */
const recipe = {
  /** To be counted up when the same packages are to be packed or completed in another way. */
  revision: 1,
  suite,
  packages: [
    ...['python3', 'python3-pip', 'python3-venv', 'nodejs', 'npm', 'git'],
    ...['curl', 'ca-certificates', 'sudo', 'procps', 'iproute2'],
  ],
  dpkgOptions: [
    // No fsync per file: the image is synced once, as a whole, and a sandbox's disk goes with it.
    'force-unsafe-io',
    // Nobody reads these in a sandbox; together a sixth of the image. Licences stay.
    ...['path-exclude=/usr/share/doc/*', 'path-include=/usr/share/doc/*/copyright'],
    ...['path-exclude=/usr/share/man/*', 'path-exclude=/usr/share/info/*', 'path-exclude=/usr/share/lintian/*'],
    ...['path-exclude=/usr/share/locale/*', 'path-include=/usr/share/locale/locale.alias'],
  ],
  user: { name: 'user', uid: 1000, shell: '/bin/bash' },
  files: {
    'etc/sudoers.d/user': { mode: 0o440, text: 'user ALL=(ALL:ALL) NOPASSWD: ALL\n' },
    // mmdebstrap copies the host's, which are nobody's business in a sandbox.
    'etc/hostname': { mode: 0o644, text: 'sandbox\n' },
    'etc/hosts': { mode: 0o644, text: '127.0.0.1 localhost sandbox\n::1 localhost ip6-localhost ip6-loopback\n' },
    'etc/resolv.conf': { mode: 0o644, text: '' },
  },
} as const

const config: ImageConfig = {
  env: {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
  },
  user: recipe.user.name,
  workdir: `/home/${recipe.user.name}`,
  entrypoint: [],
  cmd: [recipe.user.shell],
}

const recipeDigest = createHash('sha256').update(JSON.stringify({ recipe, config })).digest('hex')
export const isCurrentRecipe = (digest: string | undefined): boolean => digest === recipeDigest

/** How many files there are; for the progress alone. */
const roughlyEntries = 20_000

/** Builds the default image and names it; returns its digest. Takes about a minute, most of it the packages' own scripts. */
export async function buildDebianImage(
  layout: StoreLayout,
  images: StoredImages,
  progress: Progress,
  signal: AbortSignal
): Promise<Digest> {
  await using work = await WorkFolder.make(layout.work)
  const args = [
    ...['--variant=minbase', `--include=${recipe.packages.join(',')}`],
    ...recipe.dpkgOptions.map((option) => `--dpkgopt=${option}`),
  ]
  const what = 'the default image'
  const root = await mmdebstrap(work, 'rootfs', { what, args, onLine: stepReader(progress) }, signal)
  await addUser(root, signal)
  const digest = await contentDigest(root, signal)
  if (images.nameExisting(digest, defaultImageName)) return digest

  const newestSeconds = await newestPackageTime(root)
  const sizeBytes = await packErofs(work.path, { newestSeconds, entries: roughlyEntries }, progress, signal)
  progress({ step: 'storing' })
  signal.throwIfAborted()
  images.publish(work.path, defaultImageName, { digest, sizeBytes, config, recipe: recipeDigest })
  return digest
}

async function addUser(root: string, signal: AbortSignal): Promise<void> {
  const { name, uid, shell } = recipe.user
  const args = [root, 'useradd', '--create-home', `--uid=${uid}`, `--shell=${shell}`, name]
  await runToolOrFail('chroot', args, { signal })
  for (const [path, { mode, text }] of Object.entries(recipe.files)) {
    await mkdir(join(root, path, '..'), { recursive: true })
    await writeFile(join(root, path), text, { mode })
  }
}

/** Of the recipe and of every package with its version: the same for the same content, on whatever day it was built. */
async function contentDigest(root: string, signal: AbortSignal): Promise<Digest> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own
  const format = '${Package}:${Architecture}=${Version}\n'
  const args = [`--admindir=${join(root, 'var/lib/dpkg')}`, '--show', `--showformat=${format}`]
  const { stdout } = await runToolOrFail('dpkg-query', args, { signal, stdoutBytes: 1 << 20 })
  return `sha256:${createHash('sha256').update(`${recipeDigest}\n`).update(stdout).digest('hex')}`
}

/** In seconds since 1970. A package's `copyright` carries the time of its release; all later times come from this build. */
async function newestPackageTime(root: string): Promise<number> {
  const docs = join(root, 'usr/share/doc')
  const times = await Promise.all(
    (await readdir(docs)).map(async (name) => {
      const file = await lstat(join(docs, name, 'copyright')).catch(() => undefined) // a folder without one, or a link
      return file?.isFile() ? Math.floor(file.mtimeMs / 1000) : 0
    })
  )
  return Math.max(0, ...times)
}

/** mmdebstrap's own lines, how far the build is when they come (measured), and what to call it. */
const steps: readonly (readonly [string, number, string])[] = [
  ['running apt-get update', 0.02, 'reading package lists'],
  ['downloading packages', 0.06, 'downloading packages'],
  ['extracting archives', 0.3, 'unpacking packages'],
  ['installing essential', 0.4, 'installing the base system'],
  ['installing remaining', 0.5, 'installing python, node, git'],
  ['cleaning package lists', 0.98, 'cleaning up'],
]

function stepReader(progress: Progress): (line: string) => void {
  return (line) => {
    const found = steps.find(([words]) => line.startsWith('I: ') && line.includes(words))
    if (found) progress({ step: found[2], fraction: found[1] })
  }
}
