import { join } from 'node:path'
import type { Paths } from '../../packages/cli/src/paths.ts'
import { type ArtifactRecipe, contentKey, ensureArtifact } from '../../packages/cli/src/setup/artifact.ts'
import { goBuild, goFlags, goSources } from '../../packages/cli/src/setup/go-builds.ts'
import { artifactsFolder } from '../cluster/programs.ts'

const directory = join(import.meta.dirname, 'helm')

/** The path of Helm, at the version pinned in helm/go.mod; built once, which takes a minute or two. */
export async function helmProgram(paths: Pick<Paths, 'state'>, signal: AbortSignal): Promise<string> {
  const recipe: ArtifactRecipe = {
    name: 'helm',
    programs: ['helm'],
    key: await contentKey(directory, goSources, goFlags),
    build: (into, signal) => goBuild(directory, [join(into, 'helm'), 'helm.sh/helm/v3/cmd/helm'], signal),
  }
  return join(await ensureArtifact(artifactsFolder(paths), recipe, signal), 'helm')
}
