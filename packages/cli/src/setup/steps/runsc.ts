import { join } from 'node:path'
import { ensureArtifact, hasArtifact } from '../artifact.ts'
import { runscProgram } from '../go-builds.ts'
import type { SetupContext, SetupStep } from '../step.ts'
import { artifactsOf } from './guest-programs.ts'

type Recipe = Awaited<ReturnType<typeof runscProgram>>

export const runscStep: SetupStep = {
  name: 'gVisor',
  why: 'the runtime gvisor: a kernel in user space for each sandbox; its runsc is built at the version pinned in tools/runsc',
  async check(context) {
    const recipe = await runscProgram(context.paths.source)
    const there = hasArtifact(artifactsOf(context), recipe)
    if (there) record(context, recipe)
    return there
  },
  async make(context, progress) {
    progress('building with Go; this takes a minute or two')
    const recipe = await runscProgram(context.paths.source)
    await ensureArtifact(artifactsOf(context), recipe, context.signal)
    record(context, recipe)
  },
}

function record(context: SetupContext, recipe: Recipe): void {
  context.found.runsc = join(artifactsOf(context), `${recipe.name}-${recipe.key}`, 'runsc')
  context.versions.runsc = recipe.version
}
