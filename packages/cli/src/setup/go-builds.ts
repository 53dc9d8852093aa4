import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ArtifactRecipe, contentKey } from './artifact.ts'
import { pathOf } from './requirements.ts'
import { runCommand } from './run-command.ts'

/** What of a folder counts for the key of what Go builds from it. */
export const goSources = (path: string): boolean =>
  /(\.go|\.s|\/go\.mod|\/go\.sum)$/.test(path) && !path.endsWith('_test.go')

/** Reproducible and static: no paths of this machine, no C library. */
export const goFlags = ['-trimpath', '-buildvcs=false', '-ldflags=-s -w']

/** The guest agent and the host-side holder, from guest/. */
export async function guestPrograms(sourceDirectory: string): Promise<ArtifactRecipe> {
  const directory = join(sourceDirectory, 'guest')
  return {
    name: 'guest',
    programs: ['agent', 'holder'],
    key: await contentKey(directory, goSources, goFlags),
    build: (into, signal) => goBuild(directory, [`${into}/`, './cmd/agent', './cmd/holder'], signal),
  }
}

/** gVisor's runsc, with the addition in tools/runsc, at the version pinned there, with the checksums of all it is built from. */
export async function runscProgram(sourceDirectory: string): Promise<ArtifactRecipe & { version: string }> {
  const directory = join(sourceDirectory, 'tools', 'runsc')
  const version = await pinnedVersion(directory)
  const stamp = `-ldflags=-s -w -X gvisor.dev/gvisor/runsc/version.version=${version}`
  return {
    name: 'runsc',
    programs: ['runsc'],
    version,
    key: await contentKey(directory, goSources, [...goFlags, stamp]),
    build: (into, signal) => goBuild(directory, [join(into, 'runsc'), stamp, '.'], signal),
  }
}

/** `go build` in the module `cwd`, exactly as its go.sum pins it. `rest`: flags, then packages. */
export async function goBuild(
  cwd: string,
  [output, ...rest]: [string, ...string[]],
  signal: AbortSignal,
  progress?: (text: string) => void
): Promise<void> {
  let packages = 0
  const onLine = progress && ((line: string) => progress(`${++packages} packages compiled, now ${line}`))
  // With -v it names each package that it compiles.
  await runGo(cwd, ['build', ...goFlags, ...(progress ? ['-v'] : []), '-o', output, ...rest], signal, onLine)
}

/** Any command of Go, in the module `cwd`. */
export async function runGo(
  cwd: string,
  args: readonly string[],
  signal: AbortSignal,
  onLine?: (line: string) => void
): Promise<void> {
  const go = await pathOf('go', signal)
  await runCommand([go, ...args], {
    cwd,
    signal,
    ...(onLine && { onLine }),
    // GOFLAGS of the user's would add to ours; without any, go.mod and go.sum are read and never written.
    env: { CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off', GOTOOLCHAIN: 'auto' },
  })
}

async function pinnedVersion(directory: string): Promise<string> {
  const match = /gvisor\.dev\/gvisor (v\S+)/.exec(await readFile(join(directory, 'go.mod'), 'utf8'))
  return match?.[1] ?? 'unknown'
}
