import { expect, it } from 'vitest'
import { parseOneLine } from './debian-sources.ts'
import type { Host } from './host.ts'
import { describePlan, planPackages } from './package-plan.ts'
import { requirements, requirementsOn } from './requirements.ts'

const host = (id: string, version: string, codename: string, like: string[] = []): Host => ({
  platform: 'linux',
  arch: 'x64',
  distribution: { id, like, version, codename },
  root: true,
  sudo: undefined,
})
const lacking = requirements.filter((entry) =>
  ['qemu-system-x86_64', 'qemu-img', 'bwrap', 'setpriv', 'flock'].includes(entry.program)
)
const sources = parseOneLine('deb http://mirror.example/debian bookworm main')

it('takes QEMU from backports on Debian 12 and the rest from the release', () => {
  expect(describePlan(planPackages(lacking, host('debian', '12', 'bookworm'), sources))).toEqual([
    "add /etc/apt/sources.list.d/bulkhead-backports.sources (from the host's own Debian mirror)",
    'apt-get update',
    'apt-get install --yes --no-install-recommends --target-release bookworm-backports qemu-system-x86 qemu-utils',
    'apt-get install --yes --no-install-recommends bubblewrap util-linux',
  ])
})

it.each([
  ['Debian 13', host('debian', '13', 'trixie')],
  ['Ubuntu 24.04', host('ubuntu', '24.04', 'noble', ['debian'])],
])('takes all from the release on %s', (_name, machine) => {
  expect(describePlan(planPackages(lacking, machine, []))).toEqual([
    'apt-get update',
    'apt-get install --yes --no-install-recommends qemu-system-x86 qemu-utils bubblewrap util-linux',
  ])
})

it('asks for the keys of Debian where Debian’s own are not trusted', () => {
  const names = (machine: Host) => requirementsOn(machine, new Set(['sandboxes'])).map((entry) => entry.package)
  const ubuntu = host('ubuntu', '24.04', 'noble', ['debian'])
  const only = names(ubuntu).filter((name) => !names(host('debian', '12', 'bookworm')).includes(name))
  expect(only).toEqual(['debian-archive-keyring', 'gpg'])
  const keys = requirementsOn(ubuntu, new Set(['sandboxes'])).filter((entry) => entry.offDebian)
  expect(describePlan(planPackages(keys, ubuntu, []))).toEqual([
    'apt-get update',
    'apt-get install --yes --no-install-recommends debian-archive-keyring gpg',
  ])
})

it('refuses a distribution it knows no packages of, naming what is missing', () => {
  expect(() => planPackages(lacking, host('alpine', '3.22', ''), [])).toThrow(
    expect.objectContaining({ code: 'host_unsupported', message: expect.stringContaining('qemu-img') })
  )
})

it('refuses Debian 12 whose sources are not Debian’s', () => {
  const foreign = parseOneLine('deb http://third.example/linux bookworm stable')
  expect(() => planPackages(lacking, host('debian', '12', 'bookworm'), foreign)).toThrow(
    expect.objectContaining({ code: 'host_unsupported', message: expect.stringContaining('bookworm-backports') })
  )
})
