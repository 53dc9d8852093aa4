/**
 * A candidate in a process of its own. Arguments: kubeconfig, identity. Says on stdout what becomes of it, and does what it reads on stdin, a line each:
 * `write NAME` creates a config map in the name of its term; `stall NAME` does so after a computation longer than the term, in which no timer could fire;
 * `stop` hands over.
 */
import { createInterface } from 'node:readline'
import {
  configMaps,
  kubeconfigAccess,
  LeaderElection,
  openApiClient,
  systemClock,
  toFailure,
} from '../src/controller/index.ts'

const [, , kubeconfig, identity] = process.argv as [string, string, string, string]
const access = await kubeconfigAccess({ clock: systemClock, file: kubeconfig })
await using opened = openApiClient({ access, clock: systemClock, userAgent: identity })
const say = (line: string) => process.stdout.write(`${line}\n`)

const election = new LeaderElection({
  client: opened.client,
  clock: systemClock,
  namespace: 'default',
  name: 'test-operator',
  identity,
  leaseDurationMs: 3_000,
  renewDeadlineMs: 2_000,
  retryPeriodMs: 400,
})
const stop = new AbortController()
const commands = createInterface({ input: process.stdin })
try {
  await election.run(stop.signal, async (term) => {
    say('leading')
    const client = opened.client.with({ fence: term })
    for await (const command of commands) {
      const [verb, name = ''] = command.split(' ')
      if (verb === 'stop') return
      if (verb === 'stall') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500)
      try {
        await client.create(configMaps, { metadata: { namespace: 'default', name } })
        say(`wrote ${name}`)
      } catch (error) {
        say(`refused ${name} ${toFailure(error)?.code ?? String(error)}`)
        // The term is over: nothing of this process's work goes on.
        if (term.signal.aborted) return
      }
    }
  })
  say('ended')
} catch (error) {
  say(`ended ${toFailure(error)?.code ?? String(error)}`)
}
commands.close()
process.stdin.destroy()
