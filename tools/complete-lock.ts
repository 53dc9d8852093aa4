/**
 * Completes package-lock.json after `npm install`: `npm ci` refuses a lock file in which an optional dependency has no entry, and npm writes none for
 * those of other platforms that it could not see (its own node_modules, a mirror that lacks them). What is added says which platform it is for, so that
 * no machine the project runs on ever asks for it. Usage: node tools/complete-lock.ts
 */
import { readFileSync, writeFileSync } from 'node:fs'

interface Package {
  readonly dev?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const path = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, Package> }

const systems = /\b(android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32|aix|wasi)\b/
const processors = /\b(arm64|x64|ia32|ppc64|riscv64|s390x|loong64|mips64el|wasm32|arm)(?:v7)?\b/

/** Whether the package at `from` finds `name` in its own node_modules, or in one above it. */
function isLocked(from: string, name: string): boolean {
  const parts = from.split('/node_modules/')
  const above = parts.map((_, at) => `${parts.slice(0, at + 1).join('/node_modules/')}/`)
  return [...above, ''].some((folder) => `${folder}node_modules/${name}` in lock.packages)
}

function entryOf(name: string, version: string, dev: boolean): object {
  const system = systems.exec(name)?.[1]
  const processor = processors.exec(name)?.[1]
  const libc = name.includes('musl') ? 'musl' : system === 'linux' && name.includes('gnu') ? 'glibc' : undefined
  if (!system && !processor) throw new Error(`${name} names no platform: install it where npm can see it`)
  return {
    version: version.replace(/^[~^]/, ''),
    ...(processor && { cpu: [processor] }),
    ...(dev && { dev }),
    ...(libc && { libc: [libc] }),
    optional: true,
    ...(system && { os: [system] }),
  }
}

const added = Object.entries(lock.packages).flatMap(([from, entry]) =>
  Object.entries(entry.optionalDependencies ?? {}).flatMap(([name, version]): [string, object][] =>
    isLocked(from, name) ? [] : [[`node_modules/${name}`, entryOf(name, version, entry.dev ?? false)]]
  )
)
if (added.length > 0) {
  const packages = Object.entries({ ...lock.packages, ...Object.fromEntries(added) })
  const sorted = packages.toSorted(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(path, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`)
}
process.stdout.write(`${added.length} entries added\n`)
