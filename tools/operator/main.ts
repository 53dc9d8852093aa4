/**
 * What `bulkhead kubernetes image` runs.
 *
 *   node tools/operator/main.ts OUTPUT NAME           writes the image of operator and router, called NAME, as an OCI archive
 *   node tools/operator/main.ts OUTPUT NAME agent     that of the guest agent
 */
import { access, constants, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { failure } from '@bulkhead/wire/errors'
import { loadConfig } from '../../packages/cli/src/config.ts'
import { ExitCode } from '../../packages/cli/src/exit-code.ts'
import { abortOnInterruption, Interruption } from '../../packages/cli/src/interruption.ts'
import { describeError } from '../../packages/cli/src/output/report-error.ts'
import { data, talk } from '../../packages/cli/src/output/streams.ts'
import { packageVersion } from '../../packages/cli/src/package-version.ts'
import { agentArchive } from './agent-image.ts'
import { bundle } from './bundle.ts'
import { operatorArchive } from './image.ts'

const root = join(import.meta.dirname, '..', '..')

async function main([output, name, what]: readonly string[]): Promise<number> {
  const config = loadConfig(process.env)
  try {
    if (!output || !name) throw failure('invalid_request', { field: 'arguments', problem: 'must be OUTPUT NAME' })
    using interruption = abortOnInterruption()
    const { signal } = interruption
    await needWritable(dirname(output))
    const common = { name, version: packageVersion(), root }
    const archive = await (what === 'agent'
      ? agentArchive(common, signal)
      : operatorArchive({ ...common, bundle }, signal))
    const draft = `${output}.partial`
    try {
      await writeFile(draft, archive, { signal })
      await rename(draft, output)
    } finally {
      await rm(draft, { force: true })
    }
    data(`${output}\n`)
    talk(`bulkhead: ${name}, ${Math.round(archive.length / 1e6)} MB`)
    talk(`      next  push it with: skopeo copy oci-archive:${output} docker://REGISTRY/NAME:TAG`)
    return ExitCode.success
  } catch (error) {
    if (error instanceof Interruption) return error.exitCode
    talk(describeError(error, config.debug))
    return ExitCode.failed
  }
}

/** Before the image is made. Fails `invalid_request`. */
async function needWritable(folder: string): Promise<void> {
  try {
    await access(folder, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw failure('invalid_request', { field: '--output', problem: (error as Error).message }, { cause: error })
  }
}

process.exitCode = await main(process.argv.slice(2))
