import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { runTool } from '../tool/run-tool.ts'

/** Debian's release that images and guest kernels are made from, whatever the host runs. */
export const suite = 'bookworm'

/**
 * Where this host gets Debian from, for `suite` instead of its own release: a deb822 sources file's text. A host that gets nothing from Debian
 * (another distribution) gets it from Debian's own archive. apt itself reads the host's configuration, so its form (`.list`, `.sources`) and its
 * place make no difference.
 */
export async function debianSources(signal: AbortSignal): Promise<string> {
  const fields = ['ORIGIN', 'CODENAME', 'RELEASE', 'REPO_URI', 'COMPONENT', 'SIGNED_BY']
  const format = fields.map((field) => `$(${field})`).join('\t')
  const args = ['indextargets', '--format', format, 'Created-By: Packages']
  const end = await runTool('apt-get', args, { signal, stdoutBytes: 1 << 20 })
  if (end.exitCode !== 0) return debianArchive
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return sourcesFor(end.stdout.toString(), /^ID=debian$/m.test(release))
}

/** A mirror on the network without a password in its address: the address ends up in the image. */
const usable = /^(mirror\+)?(https?|file):(?!\/\/[^/]*@)/

/** `targets`: a line per package list that the host's apt knows, fields by tab: origin, codename, release, URI, component, signed-by. */
export function sourcesFor(targets: string, hostIsDebian: boolean): string {
  const stanzas = new Set<string>()
  for (const line of targets.split('\n')) {
    const [origin, codename, release, uri, component, signedBy] = line.split('\t')
    if (!uri || !usable.test(uri) || component !== 'main') continue
    // apt leaves what it has not yet downloaded unexpanded: `$(ORIGIN)`. Then the host's own name and the release's have to do.
    const known = origin !== '$(ORIGIN)' ? origin === 'Debian' : hostIsDebian
    const part = /^[a-z]+(-updates|-security)?$/.exec((codename?.startsWith('$') ? release : codename) ?? '')
    if (!known || !part) continue
    stanzas.add(stanza(uri, `${suite}${part[1] ?? ''}`, signedBy))
  }
  return stanzas.size > 0 ? [...stanzas].join('\n') : debianArchive
}

const debianKeyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

function stanza(uri: string, name: string, signedBy: string | undefined): string {
  // A key written into the sources, or none: Debian's own keyring, where the host has it. It holds the keys of all releases in use.
  const named = signedBy?.startsWith('/') ? signedBy : undefined
  const keyring = named ?? (existsSync(debianKeyring) ? debianKeyring : undefined)
  const lines = ['Types: deb', `URIs: ${uri}`, `Suites: ${name}`, 'Components: main']
  return `${[...lines, ...(keyring ? [`Signed-By: ${keyring}`] : [])].join('\n')}\n`
}

/**
 * Debian's own archive, for hosts that know no mirror of it. Their apt trusts other keys: the keyring is named, and set-up installs the package it comes
 * with (debian-archive-keyring).
 */
const debianArchive = [
  ['http://deb.debian.org/debian', suite],
  ['http://deb.debian.org/debian', `${suite}-updates`],
  ['http://deb.debian.org/debian-security', `${suite}-security`],
]
  .map(([uri = '', name = '']) => stanza(uri, name, debianKeyring))
  .join('\n')
