import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Image } from '@bulkhead/sdk/node'
import { debianSources } from '../../packages/images/src/debian/debian-sources.ts'
import type { Product } from '../support/product.ts'

const run = promisify(execFile)

/** What the work needs. netbase: /etc/services, which the tests of sockets look names up in. */
const recipe = {
  suite: 'bookworm',
  packages: [
    ...['python3', 'libpython3.11-testsuite', 'netbase', 'ca-certificates'],
    ...['make', 'gcc', 'libc6-dev', 'procps'],
  ],
  options: [
    ...['--variant=minbase', '--dpkgopt=force-unsafe-io', '--dpkgopt=path-exclude=/usr/share/doc/*'],
    ...['--dpkgopt=path-exclude=/usr/share/man/*', '--dpkgopt=path-exclude=/usr/share/locale/*'],
    '--customize-hook=chroot "$1" useradd --create-home --uid=1000 --shell=/bin/bash user',
    // Part of no package. Inside, the guest agent sees to it; for the comparison on the host it has to be in the image.
    '--customize-hook=echo "127.0.0.1 localhost" > "$1"/etc/hosts; echo sandbox > "$1"/etc/hostname; : > "$1"/etc/resolv.conf',
  ],
  config: ['--config.user=user', '--config.workingdir=/home/user', '--config.env=LANG=C.UTF-8'],
} as const

/** Where the layout lies while it is pulled; part of the image's name, so always the same. */
const layout = '/var/tmp/bulkhead-test-work-image'

/**
 * An image with a compiler and CPython's own tests: built with Debian's tools as an OCI layout, and pulled like any other. Made once per
 * recipe; later runs find it in the store of the installation, and remove what earlier recipes made.
 */
export async function workImage(
  product: Product,
  signal: AbortSignal
): Promise<Image & { readonly reference: string }> {
  const key = createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 12)
  const reference = `oci:${layout}:${key}`
  const images = await product.client.images.list({ signal })
  const old = images
    .flatMap(({ names }) => names)
    .filter((name) => name.startsWith(`oci:${layout}:`) && name !== reference)
  for (const name of old) await product.client.images.remove(name, { signal })
  if (old.length > 0) await product.client.images.prune({ signal })
  const known = images.find(({ names }) => names.includes(reference))
  if (known) return { ...known, reference }

  const folder = mkdtempSync('/var/tmp/bulkhead-work-image-')
  try {
    rmSync(layout, { recursive: true, force: true })
    const tar = path.join(folder, 'layer.tar')
    const sources = await debianSources(signal)
    const sourcesFile = path.join(folder, 'debian.sources')
    if (sources) writeFileSync(sourcesFile, sources)
    const include = `--include=${recipe.packages.join(',')}`
    const env = { ...process.env, TMPDIR: folder }
    const args = ['--quiet', '--mode=root', ...recipe.options, include, recipe.suite, tar]
    await run('mmdebstrap', sources ? [...args, sourcesFile] : args, { signal, env, maxBuffer: 16 << 20 })
    const image = `${layout}:${key}`
    await run('umoci', ['init', '--layout', layout], { signal })
    await run('umoci', ['new', '--image', image], { signal })
    await run('umoci', ['raw', 'add-layer', '--image', image, tar], { signal, env })
    await run('umoci', ['config', '--image', image, ...recipe.config], { signal })
    return { ...(await product.client.images.pull(reference, { signal })), reference }
  } finally {
    rmSync(folder, { recursive: true, force: true })
    rmSync(layout, { recursive: true, force: true })
  }
}
