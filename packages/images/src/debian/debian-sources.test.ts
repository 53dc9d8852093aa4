import { describe, expect, it } from 'vitest'
import { sourcesFor } from './debian-sources.ts'

const line = (...fields: string[]): string => fields.join('\t')
const suites = (text: string) =>
  [...text.matchAll(/URIs: (\S+)\nSuites: (\S+)/g)].map(([, uri, suite]) => `${uri} ${suite}`)

describe('sourcesFor', () => {
  it("takes the host's mirrors with their release replaced, without backports and what is not Debian", () => {
    const targets = [
      line(
        'Debian',
        'trixie',
        'stable',
        'http://mirror.test/debian/',
        'main',
        '/usr/share/keyrings/debian-archive-keyring.gpg'
      ),
      line('Debian', 'trixie-updates', 'trixie-updates', 'http://mirror.test/debian/', 'main', '$(SIGNED_BY)'),
      line('Debian', 'trixie-security', 'trixie-security', 'https://mirror.test/security/', 'main', '$(SIGNED_BY)'),
      line('Debian', 'trixie', 'stable', 'http://mirror.test/debian/', 'contrib', '$(SIGNED_BY)'),
      line(
        'Debian Backports',
        'trixie-backports',
        'trixie-backports',
        'http://mirror.test/debian/',
        'main',
        '$(SIGNED_BY)'
      ),
      line('Node', 'nodistro', 'nodistro', 'https://node.test/', 'main', '$(SIGNED_BY)'),
      line('Debian', 'trixie', 'trixie', 'https://me:secret@mirror.test/debian/', 'main', '$(SIGNED_BY)'),
      line('Debian', 'trixie', 'trixie', 'cdrom://[Debian]/', 'main', '$(SIGNED_BY)'),
    ].join('\n')
    expect(suites(sourcesFor(targets, true))).toEqual([
      'http://mirror.test/debian/ bookworm',
      'http://mirror.test/debian/ bookworm-updates',
      'https://mirror.test/security/ bookworm-security',
    ])
  })

  it('goes by the release when the lists have not been downloaded, and only on Debian', () => {
    const unread = line(
      '$(ORIGIN)',
      '$(CODENAME)',
      'bookworm-security',
      'http://mirror.test/s/',
      'main',
      '$(SIGNED_BY)'
    )
    expect(suites(sourcesFor(unread, true))).toEqual(['http://mirror.test/s/ bookworm-security'])
    expect(suites(sourcesFor(unread, false))).not.toContain('http://mirror.test/s/ bookworm-security')
  })

  it.each([
    [
      'Ubuntu',
      line('Ubuntu', 'noble', 'noble', 'http://u.test/', 'main', '/usr/share/keyrings/ubuntu-archive-keyring.gpg'),
      false,
    ],
    ['a host without any source', '', true],
  ])("is Debian's own archive, under Debian's own keys, on %s", (_, targets, hostIsDebian) => {
    const stanza = (uri: string, suite: string) =>
      `Types: deb\nURIs: ${uri}\nSuites: ${suite}\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n`
    expect(
      sourcesFor(targets, hostIsDebian)
        .split('\n\n')
        .map((text) => `${text.trimEnd()}\n`)
    ).toEqual([
      stanza('http://deb.debian.org/debian', 'bookworm'),
      stanza('http://deb.debian.org/debian', 'bookworm-updates'),
      stanza('http://deb.debian.org/debian-security', 'bookworm-security'),
    ])
  })
})
