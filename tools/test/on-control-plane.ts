import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Step } from './step.ts'

/**
 * The step, told where a control plane's programs are: a quarter of an hour on a new machine builds them, and nothing afterwards. Where no cluster
 * can run its tests skip themselves, and say why.
 */
export const onControlPlane = (step: Step): Step => ({
  name: step.name,
  run: async (context) => {
    const { stdout } = await promisify(execFile)(process.execPath, ['tools/cluster/main.ts', 'build'], {
      cwd: context.root,
      env: context.env,
    })
    return step.run({ ...context, env: { ...context.env, BULKHEAD_TEST_KUBERNETES: stdout.trim() } })
  },
})
