import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../packages/cli/src/config.ts'
import { resolvePaths } from '../../packages/cli/src/paths.ts'
import { artifactsFolder } from '../../tools/cluster/programs.ts'
import { whyNotHere } from '../../tools/cluster/test-cluster.ts'
import { blocksIn, examplesIn, patternOf, root } from '../support/examples.ts'

const page = 'docs/kubernetes/tutorial.md'
const manifests = ['template.yaml', 'pool.yaml', 'claim.yaml']
const minutes = 60_000

it('shows the files that its commands apply', () => {
  const files = manifests.map((name) => readFileSync(path.join(root, 'docs/kubernetes/tutorial', name), 'utf8'))
  expect(blocksIn(page, 'yaml')).toEqual(files)
})

const reason = await whyNotHere(AbortSignal.timeout(minutes))
if (reason) process.stderr.write(`${page} is not tried, because ${reason}\n`)

/** In order: each goes on where the one before it has ended. */
describe.skipIf(reason !== undefined)(page, () => {
  let state: string
  let env: NodeJS.ProcessEnv
  const run = async (command: string) =>
    (await promisify(execFile)('bash', ['-o', 'pipefail', '-c', command], { cwd: root, env, maxBuffer: 2 ** 24 }))
      .stdout

  beforeAll(() => {
    // On a disk: /tmp may be memory.
    state = realpathSync(mkdtempSync('/var/tmp/bulkhead-tutorial-'))
    symlinkSync(installedArtifacts(), path.join(state, 'artifacts'))
    env = { ...process.env, BULKHEAD_STATE_DIR: state }
  })
  afterAll(async () => {
    if (!state) return
    await run('./bulkhead cluster down')
    await rm(state, { recursive: true, force: true })
    await rm(path.join(root, 'operator.tar'), { force: true })
  }, 2 * minutes)

  it.each(examplesIn(page))('$command', { timeout: 5 * minutes }, async ({ command, output }) => {
    expect(await run(command)).toMatch(patternOf(output))
  })
})

/** Programs are built once, and not for each state folder. */
function installedArtifacts(): string {
  const installation = process.env.BULKHEAD_TEST_INSTALLATION
  const known = installation ? path.dirname(installation) : loadConfig(process.env).stateDirectory
  return artifactsFolder(resolvePaths(known, process.env, process.getuid?.() ?? 0))
}
