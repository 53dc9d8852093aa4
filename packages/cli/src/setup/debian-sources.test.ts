import { describe, expect, it } from 'vitest'
import { backportsFile, parseDeb822, parseOneLine } from './debian-sources.ts'

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
const header = '# Added by `bulkhead setup`: QEMU of the release itself is too old. Remove this file to undo it.\n'

const cases = {
  'deb822 with comments, updates and security': {
    sources: parseDeb822(
      `# a comment\nTypes: deb\n# http://archive.example/old\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: ${keyring}\n\nTypes: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\nComponents: main\nSigned-By: ${keyring}\n`
    ),
    expected: {
      text: `${header}Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\nComponents: main\nSigned-By: ${keyring}\n`,
    },
  },
  'one-line with options': {
    sources: parseOneLine(
      `deb [arch=amd64 signed-by=${keyring}] http://mirror.example/debian bookworm main contrib # why\ndeb-src http://mirror.example/debian bookworm main\n`
    ),
    expected: {
      text: `${header}Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\nComponents: main\nSigned-By: ${keyring}\n`,
    },
  },
  'a third party that uses the same suite is not taken for Debian': {
    sources: [
      ...parseOneLine('deb [signed-by=/k/third.gpg] http://third.example/debian bookworm main'),
      ...parseOneLine(
        'deb http://mirror.example/pub/debian bookworm main\ndeb http://mirror.example/pub/debian bookworm-updates main'
      ),
    ],
    expected: {
      text: `${header}Types: deb\nURIs: http://mirror.example/pub/debian\nSuites: bookworm-backports\nComponents: main\n`,
    },
  },
  'several mirrors in one entry stay together': {
    sources: parseDeb822(
      'Types: deb deb-src\nURIs: http://a.example/debian http://b.example/debian\nSuites: bookworm bookworm-updates\nComponents: main non-free-firmware\n'
    ),
    expected: {
      text: `${header}Types: deb\nURIs: http://a.example/debian http://b.example/debian\nSuites: bookworm-backports\nComponents: main\n`,
    },
  },
  'a key written into the file is kept whole': {
    sources: parseDeb822(
      'Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n'
    ),
    expected: {
      text: `${header}Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-backports\nComponents: main\nSigned-By: \n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n`,
    },
  },
  'backports already there': {
    sources: parseOneLine(
      'deb http://mirror.example/debian bookworm main\ndeb http://mirror.example/debian bookworm-backports main'
    ),
    expected: 'present',
  },
  'only switched-off and foreign entries': {
    sources: [
      ...parseDeb822(
        'Enabled: no\nTypes: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n'
      ),
      ...parseOneLine('deb http://third.example/linux bookworm stable'),
    ],
    expected: 'no_debian_source',
  },
} as const

describe('backportsFile', () => {
  it.each(Object.entries(cases))('%s', (_name, { sources, expected }) => {
    expect(backportsFile(sources, 'bookworm')).toEqual(expected)
  })
})
