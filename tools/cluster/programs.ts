import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { failure } from '@bulkhead/wire/errors'
import type { Paths } from '../../packages/cli/src/paths.ts'
import { type ArtifactRecipe, contentKey, ensureArtifact, hasArtifact } from '../../packages/cli/src/setup/artifact.ts'
import { goBuild, goFlags, goSources, runGo, runscProgram } from '../../packages/cli/src/setup/go-builds.ts'
import { lockSetup } from '../../packages/cli/src/setup/setup.ts'
import { imagesRecipe } from './images.ts'

export const programNames = ['etcd', 'runsc', 'gvisor-shim', 'containerd', 'kwok', 'kubernetes', 'images'] as const
export type ProgramName = (typeof programNames)[number]

/** The folder of each artefact: what a cluster is made of. */
export type ClusterPrograms = Readonly<Record<ProgramName, string>>

const modules = join(import.meta.dirname, 'modules')

/** What is built, in this order, and what is said while it takes its time (as seen with two processors). */
const builds: readonly { name: ProgramName; why: string; recipe: (source: string) => Promise<ArtifactRecipe> }[] = [
  {
    name: 'images',
    why: 'the pause image and a busybox, so that nodes start without a registry',
    recipe: imagesRecipe,
  },
  { name: 'etcd', why: 'what the API server keeps its objects in; half a minute', recipe: etcdRecipe },
  { name: 'runsc', why: 'gVisor, for pods with a kernel of their own; a minute or two', recipe: runscProgram },
  { name: 'gvisor-shim', why: 'joins gVisor to containerd; half a minute', recipe: gvisorShimRecipe },
  { name: 'containerd', why: 'runs the containers of each node; a minute or two', recipe: containerdRecipe },
  { name: 'kwok', why: 'plays the kubelets of fake nodes; two minutes', recipe: kwokRecipe },
  {
    name: 'kubernetes',
    why: 'API server, controllers, scheduler, kubelet, kube-proxy, kubectl; six minutes',
    recipe: kubernetesRecipe,
  },
]

/** Builds what is missing of the programs, one after the other, and shows how far it is. What was built once is not built again. */
export async function ensurePrograms(paths: Paths, signal: AbortSignal): Promise<ClusterPrograms> {
  const root = artifactsFolder(paths)
  const recipes = await Promise.all(
    builds.map(async ({ name, why, recipe }) => ({ name, why, recipe: await recipe(paths.source) }))
  )
  const missing = recipes.filter(({ recipe }) => !hasArtifact(root, recipe))
  if (missing.length > 0) {
    await using _lock = await lockSetup({ paths, signal })
    const { showSteps } = await import('../../packages/cli/src/setup/display.ts')
    for (const { name, why, recipe } of missing) {
      const make = async (context: { signal: AbortSignal }, progress: (text: string) => void) => {
        await ensureArtifact(root, recipe, context.signal, progress)
      }
      await showSteps([{ name: `cluster: ${name}`, why, make }], { signal, yes: true, host: { root: true } })
    }
  }
  const folders = recipes.map(({ name, recipe }) => [name, join(root, `${recipe.name}-${recipe.key}`)])
  return Object.fromEntries(folders) as ClusterPrograms
}

export const artifactsFolder = ({ state }: Pick<Paths, 'state'>): string => join(state, 'artifacts')

async function kubernetesRecipe(): Promise<ArtifactRecipe> {
  const version = await pinnedVersion('kubernetes', 'k8s.io/kubernetes')
  const [major = '', minor = ''] = version.slice(1).split('.')
  // Not only for show: clients and conversions decide by the server's version, which is v0.0.0 unless the linker is told.
  const facts = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' }
  const stamps = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((library) =>
    Object.entries(facts).map(([name, value]) => `-X ${library}.${name}=${value}`)
  )
  const commands = ['kube-apiserver', 'kube-controller-manager', 'kube-proxy', 'kube-scheduler', 'kubectl', 'kubelet']
  return moduleRecipe('kubernetes', {
    stamps,
    packages: commands.map((command) => `k8s.io/kubernetes/cmd/${command}`),
  })
}

async function containerdRecipe(): Promise<ArtifactRecipe> {
  const library = 'github.com/containerd/containerd/v2'
  const version = await pinnedVersion('containerd', library)
  return moduleRecipe('containerd', {
    stamps: [`-X ${library}/version.Version=${version}`],
    packages: ['containerd', 'containerd-shim-runc-v2', 'ctr'].map((command) => `${library}/cmd/${command}`),
  })
}

/** Its package is called `v3`, and the program would be `server`. */
function etcdRecipe(): Promise<ArtifactRecipe> {
  return moduleRecipe('etcd', { output: 'etcd', packages: ['go.etcd.io/etcd/server/v3'] })
}

function kwokRecipe(): Promise<ArtifactRecipe> {
  return moduleRecipe('kwok', { packages: ['sigs.k8s.io/kwok/cmd/kwok'] })
}

/** A module below modules/ that only pins what is built: its go.mod and go.sum say from what. */
async function moduleRecipe(
  name: ProgramName,
  { packages, stamps = [], output = '' }: { packages: readonly string[]; stamps?: readonly string[]; output?: string }
): Promise<ArtifactRecipe> {
  const directory = join(modules, name)
  const args = [`-ldflags=${['-s -w', ...stamps].join(' ')}`, ...packages]
  return {
    name: `cluster-${name}`,
    programs: output === '' ? packages.map((path) => basename(path)) : [output],
    key: await contentKey(directory, goSources, [...goFlags, ...args]),
    build: (into, signal, progress) =>
      goBuild(directory, [output === '' ? `${into}/` : join(into, output), ...args], signal, progress),
  }
}

/**
 * The shim gives itself an OOM score below its own, which root may do only with CAP_SYS_RESOURCE, and ends where that is missing (in many
 * containers and some virtual machines). Ours goes on as it is: the score decides nothing but who is ended first when memory runs out.
 */
const oomScorePatch = {
  file: 'vendor/gvisor.dev/gvisor/pkg/shim/v1/manager.go',
  from: 'if err := sys.SetOOMScore(cmd.Process.Pid, oomScoreMax); err != nil {',
  to: 'if err := sys.SetOOMScore(cmd.Process.Pid, oomScoreMax); err != nil && !os.IsPermission(err) {',
} as const

async function gvisorShimRecipe(): Promise<ArtifactRecipe> {
  const directory = join(modules, 'gvisor-shim')
  return {
    name: 'cluster-gvisor-shim',
    programs: ['containerd-shim-runsc-v1'],
    key: await contentKey(directory, goSources, [...goFlags, JSON.stringify(oomScorePatch)]),
    async build(into, signal, progress) {
      // Go patches nothing in its module cache (-overlay refuses to), but builds from a vendor folder, which is ours.
      const work = join(into, 'source')
      await mkdir(work)
      for (const file of ['go.mod', 'go.sum']) await copyFile(join(directory, file), join(work, file))
      progress('fetching the sources')
      await runGo(work, ['mod', 'vendor'], signal)
      await patch(join(work, oomScorePatch.file), oomScorePatch)
      await goBuild(work, [join(into, 'containerd-shim-runsc-v1'), 'gvisor.dev/gvisor/shim'], signal, progress)
      await rm(work, { recursive: true })
    },
  }
}

/** Fails `cluster_source_changed` unless the text is there exactly once. */
async function patch(file: string, { from, to }: { from: string; to: string }): Promise<void> {
  const parts = (await readFile(file, 'utf8')).split(from)
  if (parts.length !== 2) throw failure('cluster_source_changed', { file, text: from })
  await writeFile(file, parts.join(to))
}

async function pinnedVersion(name: ProgramName, library: string): Promise<string> {
  const lines = (await readFile(join(modules, name, 'go.mod'), 'utf8')).split('\n')
  const version = lines
    .map((line) =>
      line
        .trim()
        .replace(/^require /, '')
        .split(' ')
    )
    .find(([path]) => path === library)?.[1]
  if (version === undefined) throw new TypeError(`modules/${name}/go.mod does not pin ${library}`)
  return version
}
