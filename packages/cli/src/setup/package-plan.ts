import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { failure } from '@bulkhead/wire/errors'
import { type AptSource, backportsFile, parseDeb822, parseOneLine } from './debian-sources.ts'
import { type Host, usesApt } from './host.ts'
import type { Requirement } from './requirements.ts'

/** What would be changed on the host; shown before it is done. */
export interface PackagePlan {
  /** From the distribution's own release. */
  readonly packages: readonly string[]
  /** From backports; `suite` is given to `apt-get -t`. */
  readonly backports: { readonly suite: string; readonly packages: readonly string[] } | undefined
  /** A file for apt to add first. */
  readonly sourcesFile: { readonly path: string; readonly text: string } | undefined
}

const sourcesFilePath = '/etc/apt/sources.list.d/bulkhead-backports.sources'

/** Fails `host_unsupported` where the packages cannot be had with apt. */
export function planPackages(lacking: readonly Requirement[], host: Host, sources: readonly AptSource[]): PackagePlan {
  if (!usesApt(host)) {
    throw failure('host_unsupported', {
      host: host.distribution.id || host.platform,
      problem: `only Debian and Ubuntu packages are known; missing here: ${unique(lacking.map((entry) => entry.program)).join(', ')}`,
    })
  }
  const fromBackports = (entry: Requirement) =>
    host.distribution.id === 'debian' && (entry.backportsOn?.includes(host.distribution.version) ?? false)
  const backported = unique(lacking.filter(fromBackports).map((entry) => entry.package))
  const plan = {
    packages: unique(lacking.filter((entry) => !fromBackports(entry)).map((entry) => entry.package)),
    backports: undefined,
    sourcesFile: undefined,
  }
  if (backported.length === 0) return plan
  const suite = `${host.distribution.codename}-backports`
  const file = backportsFile(sources, host.distribution.codename)
  if (file === 'no_debian_source') {
    throw failure('host_unsupported', {
      host: `debian ${host.distribution.version}`,
      problem: `${backported.join(', ')} must come from ${suite}, and none of the host's apt sources is Debian's own archive to derive it from`,
    })
  }
  return {
    ...plan,
    backports: { suite, packages: backported },
    sourcesFile: file === 'present' ? undefined : { path: sourcesFilePath, text: file.text },
  }
}

/** The commands, as they would be typed; what consent is asked for. */
export function describePlan(plan: PackagePlan): string[] {
  return [
    ...(plan.sourcesFile ? [`add ${plan.sourcesFile.path} (from the host's own Debian mirror)`] : []),
    'apt-get update',
    ...installCommands(plan).map((argv) => argv.join(' ')),
  ]
}

export function installCommands(plan: PackagePlan): [string, ...string[]][] {
  const install: [string, ...string[]] = ['apt-get', 'install', '--yes', '--no-install-recommends']
  return [
    ...(plan.backports ? [[...install, '--target-release', plan.backports.suite, ...plan.backports.packages]] : []),
    ...(plan.packages.length > 0 ? [[...install, ...plan.packages]] : []),
  ] as [string, ...string[]][]
}

/** What apt on this host is told to use. */
export function readAptSources(directory = '/etc/apt'): AptSource[] {
  const parts = join(directory, 'sources.list.d')
  const files = [join(directory, 'sources.list'), ...list(parts).map((name) => join(parts, name))]
  return files.flatMap((file) => {
    if (file.endsWith('.sources')) return parseDeb822(read(file))
    return file.endsWith('.list') ? parseOneLine(read(file)) : []
  })
}

const unique = (names: readonly string[]): string[] => [...new Set(names)]

const list = (directory: string): string[] => absentIs([], () => readdirSync(directory).sort())
const read = (file: string): string => absentIs('', () => readFileSync(file, 'utf8'))

function absentIs<T>(instead: T, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return instead
    throw error
  }
}
