/** One place that apt gets packages from; the parts of sources.list(5) that matter here. */
export interface AptSource {
  readonly types: readonly string[]
  readonly uris: readonly string[]
  readonly suites: readonly string[]
  readonly components: readonly string[]
  /** As written; undefined where apt's global keyring is used. May be a key block of several lines. */
  readonly signedBy: string | undefined
}

/** Reads the deb822 form (`*.sources`). Stanzas with `Enabled: no` are left out. */
export function parseDeb822(text: string): AptSource[] {
  const stanzas = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .split(/\n[ \t]*\n/)
  return stanzas.flatMap((stanza) => {
    const fields = parseFields(stanza)
    const words = (name: string) => (fields.get(name) ?? '').split(/\s+/).filter(Boolean)
    if (words('uris').length === 0 || /^(no|false|0)$/i.test(fields.get('enabled')?.trim() ?? '')) return []
    return [
      {
        types: words('types'),
        uris: words('uris'),
        suites: words('suites'),
        components: words('components'),
        signedBy: fields.get('signed-by')?.replace(/\s+$/, ''),
      },
    ]
  })
}

/** Reads the one-line form (`sources.list`, `*.list`). */
export function parseOneLine(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line)
    if (!match) return []
    const [, type = '', options = '', uri = '', suite = '', components = ''] = match
    return [
      {
        types: [type],
        uris: [uri],
        suites: [suite],
        components: components.split(/\s+/).filter(Boolean),
        signedBy: /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1],
      },
    ]
  })
}

/**
 * The file that adds `<codename>-backports`, from the same mirror and under the same key as the host's own Debian. `present`: the host's
 * sources have that suite already; `no_debian_source`: none of them is Debian's archive.
 */
export function backportsFile(
  sources: readonly AptSource[],
  codename: string
): 'present' | 'no_debian_source' | { text: string } {
  const suite = `${codename}-backports`
  if (sources.some((source) => source.types.includes('deb') && source.suites.includes(suite))) return 'present'
  const own = archiveOf(sources, codename)
  if (!own) return 'no_debian_source'
  const lines = [
    '# Added by `bulkhead setup`: QEMU of the release itself is too old. Remove this file to undo it.',
    'Types: deb',
    `URIs: ${own.uris.join(' ')}`,
    `Suites: ${suite}`,
    'Components: main',
    ...(own.signedBy ? [`Signed-By: ${own.signedBy}`] : []),
  ]
  return { text: `${lines.join('\n')}\n` }
}

/** Others' archives may use Debian's suite and component names too; Debian's own also has `-updates`, or is signed with Debian's keyring. */
function archiveOf(sources: readonly AptSource[], codename: string): AptSource | undefined {
  const candidates = sources.filter(
    (source) => source.types.includes('deb') && source.suites.includes(codename) && source.components.includes('main')
  )
  const updates = new Set(
    sources.filter((source) => source.suites.includes(`${codename}-updates`)).flatMap((source) => source.uris)
  )
  return (
    candidates.find((source) => source.uris.some((uri) => updates.has(uri))) ??
    candidates.find((source) => source.signedBy?.includes('debian-archive')) ??
    candidates.find((source) => source.uris.every((uri) => /\/debian\/?$/.test(uri)))
  )
}

/** RFC 822-like fields with continuation lines; names in lower case. */
function parseFields(stanza: string): Map<string, string> {
  const fields = new Map<string, string>()
  let current: string | undefined
  for (const line of stanza.split('\n')) {
    const match = /^([A-Za-z0-9-]+):(.*)$/.exec(line)
    if (match) {
      current = (match[1] as string).toLowerCase()
      fields.set(current, (match[2] as string).trim())
    } else if (current && /^[ \t]/.test(line)) {
      fields.set(current, `${fields.get(current)}\n${line}`)
    }
  }
  return fields
}
