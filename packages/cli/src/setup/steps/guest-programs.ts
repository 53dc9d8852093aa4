import { join } from 'node:path'
import { type ArtifactRecipe, ensureArtifact, hasArtifact } from '../artifact.ts'
import { guestPrograms } from '../go-builds.ts'
import type { SetupContext, SetupStep } from '../step.ts'

export const guestProgramsStep: SetupStep = {
  name: 'guest agent',
  why: 'the first process inside of every sandbox, and the helper that keeps its stream open; built from guest/',
  async check(context) {
    const recipe = await guestPrograms(context.paths.source)
    const there = hasArtifact(artifactsOf(context), recipe)
    if (there) record(context, recipe)
    return there
  },
  async make(context, progress) {
    progress('building with Go; the first time this downloads its modules')
    const recipe = await guestPrograms(context.paths.source)
    await ensureArtifact(artifactsOf(context), recipe, context.signal)
    record(context, recipe)
  },
}

/** Where what is built goes. */
export const artifactsOf = (context: SetupContext): string => join(context.paths.state, 'artifacts')

function record(context: SetupContext, { name, key }: ArtifactRecipe): void {
  const folder = join(artifactsOf(context), `${name}-${key}`)
  context.found.agent = join(folder, 'agent')
  context.found.holder = join(folder, 'holder')
  context.versions.agent = key
}
