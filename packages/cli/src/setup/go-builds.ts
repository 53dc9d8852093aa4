import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ArtifactRecipe, contentKey } from './artifact.ts'
import { pathOf } from './requirements.ts'
import { runCommand } from './run-command.ts'

const sources = (path: string): boolean => /(\.go|\.s|\/go\.mod|\/go\.sum)$/.test(path) && !path.endsWith('_test.go')

/** Reproducible and static: no paths of this machine, no C library. */
const flags = ['-trimpath', '-buildvcs=false', '-ldflags=-s -w']

/** The guest agent and the host-side holder, from guest/. */
export async function guestPrograms(sourceDirectory: string): Promise<ArtifactRecipe> {
  const directory = join(sourceDirectory, 'guest')
  return {
    name: 'guest',
    programs: ['agent', 'holder'],
    key: await contentKey(directory, sources, flags),
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
    key: await contentKey(directory, sources, [...flags, stamp]),
    build: (into, signal) => goBuild(directory, [join(into, 'runsc'), stamp, '.'], signal),
  }
}

async function goBuild(cwd: string, [output, ...rest]: [string, ...string[]], signal: AbortSignal): Promise<void> {
  const go = await pathOf('go', signal)
  await runCommand([go, 'build', ...flags, '-o', output, ...rest], {
    cwd,
    signal,
    env: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOWORK: 'off', GOTOOLCHAIN: 'auto' },
  })
}

async function pinnedVersion(directory: string): Promise<string> {
  const match = /gvisor\.dev\/gvisor (v\S+)/.exec(await readFile(join(directory, 'go.mod'), 'utf8'))
  return match?.[1] ?? 'unknown'
}
