import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** What of the machine decides how things get installed. */
export interface Host {
  readonly platform: NodeJS.Platform
  readonly arch: string
  /** From os-release; empty strings where it is missing. */
  readonly distribution: {
    readonly id: string
    readonly like: readonly string[]
    readonly version: string
    readonly codename: string
  }
  readonly root: boolean
  /** Path of sudo, when it is needed and here. */
  readonly sudo: string | undefined
}

export function inspectHost(): Host {
  const release = readOsRelease()
  const root = process.getuid?.() === 0
  return {
    platform: process.platform,
    arch: process.arch,
    distribution: {
      id: release.ID ?? '',
      like: (release.ID_LIKE ?? '').split(' ').filter(Boolean),
      version: release.VERSION_ID ?? '',
      codename: release.VERSION_CODENAME ?? '',
    },
    root,
    sudo: root ? undefined : findProgram('sudo'),
  }
}

/** Debian, Ubuntu and what derives from them. */
export const usesApt = (host: Host): boolean =>
  ['debian', 'ubuntu'].some((id) => host.distribution.id === id || host.distribution.like.includes(id))

/** Administrators' folders are searched too: a user's PATH often lacks them, and `mkfs.ext4` lives there. */
const extraFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/go/bin']

/** The absolute path of a program, from PATH and the administrators' folders; of one named by its path, that path if it is there. */
export function findProgram(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (name.startsWith('/')) return isExecutable(name) ? name : undefined
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder.startsWith('/'))
  return [...folders, ...extraFolders].map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // not there or not for us: either way, not what is looked for
  }
}

/** Parses the shell-like assignments of os-release(5). */
export function parseOsRelease(text: string): Record<string, string> {
  const entries = text.split('\n').flatMap((line) => {
    const match = /^([A-Z0-9_]+)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim())
    return match ? [[match[1] as string, match[2] ?? match[3] ?? match[4] ?? '']] : []
  })
  return Object.fromEntries(entries)
}

function readOsRelease(): Record<string, string> {
  for (const path of ['/etc/os-release', '/usr/lib/os-release']) {
    try {
      return parseOsRelease(readFileSync(path, 'utf8'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return {}
}
