import { silentLogger, systemClock } from '../../src/controller/index.ts'
import { parseFlags } from '../../src/operator/flags/flag-syntax.ts'
import { operatorFlags } from '../../src/operator/flags/operator-flags.ts'
import { type OperatorProcess, runOperator } from '../../src/operator/operator.ts'
import { optionsFrom } from '../../src/operator/operator-options.ts'
import type { ControlPlane } from './control-plane.ts'

/** Hands over and ends when it is disposed of. Fails with what it failed with. */
export type RunningOperator = AsyncDisposable

/** The operator in this process, with controllers of the test's choice; without election and servers unless the flags say so. */
export function startOperator(
  plane: ControlPlane,
  flags: readonly string[],
  controllers: OperatorProcess['controllers']
): RunningOperator {
  const args = [
    `--kubeconfig=${plane.kubeconfig}`,
    '--leader-elect=false',
    '--metrics-bind-address=0',
    '--health-probe-bind-address=0',
  ]
  const options = optionsFrom(parseFlags(operatorFlags, [...args, ...flags]))
  const stop = new AbortController()
  const running = runOperator({ options, controllers, env: {}, clock: systemClock, log: silentLogger }, stop.signal)
  running.catch(() => {})
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort(new Error('the test has ended'))
      await running
    },
  }
}
