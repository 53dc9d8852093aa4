import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ApiClient,
  type Clock,
  configMaps,
  isNotFound,
  LeaderElection,
  type Leadership,
  leases,
  systemClock,
} from '../src/controller/index.ts'
import { type ControlPlane, openControlPlane, skipped } from './support/control-plane.ts'
import { openCuttableProxy } from './support/cuttable-proxy.ts'

/** A candidate in another process, and what it has said. */
function candidate(kubeconfig: string, identity: string) {
  const script = path.join(import.meta.dirname, 'leading-process.ts')
  const child: ChildProcess = spawn(process.execPath, [script, kubeconfig, identity], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const said: string[] = []
  const waiters = new Set<() => void>()
  if (!child.stdout) throw new Error('no stdout')
  createInterface({ input: child.stdout }).on('line', (line) => {
    said.push(line)
    for (const waiter of [...waiters]) waiter()
  })
  return {
    said,
    says: async (line: string) => {
      while (!said.includes(line)) {
        const { promise, resolve } = Promise.withResolvers<void>()
        waiters.add(resolve)
        await promise
        waiters.delete(resolve)
      }
    },
    tell: (command: string) => void child.stdin?.write(`${command}\n`),
    signal: (name: NodeJS.Signals) => void child.kill(name),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

describe.skipIf(skipped())('leader election over a real API server', () => {
  let plane: ControlPlane
  let client: ApiClient
  const undo = new AsyncDisposableStack()

  beforeAll(async () => {
    plane = undo.use(await openControlPlane())
    client = undo.use(await plane.client()).client
  })
  afterAll(() => undo.disposeAsync())

  const exists = (name: string) =>
    client.get(configMaps, { namespace: 'default', name }).then(
      () => true,
      (error) => {
        if (isNotFound(error)) return false
        throw error
      }
    )

  it('lets a leader that was frozen in mid-work write nothing once another leads', async () => {
    await using first = candidate(plane.kubeconfig, 'first')
    await first.says('leading')
    first.tell('write by-first')
    await first.says('wrote by-first')
    await using second = candidate(plane.kubeconfig, 'second')
    // The whole process stands still, its timers with it; its work does not know.
    first.signal('SIGSTOP')
    first.tell('write late-by-first')
    await second.says('leading')
    second.tell('write by-second')
    await second.says('wrote by-second')
    first.signal('SIGCONT')
    await first.says('refused late-by-first leadership_lost')
    await first.says('ended leadership_lost')
    expect(await exists('late-by-first')).toBe(false)
    // Not refused by the API server: it never came there.
    const ours = plane.audited().filter(({ agent }) => ['first', 'second'].includes(agent))
    const writes = ours.map(({ agent, verb, name }) => `${agent} ${verb} ${name}`)
    expect(writes).toEqual(['first create by-first', 'second create by-second'])
    second.tell('stop')
    await second.says('ended')
  })

  it('lets a leader that was too busy for its timers write nothing either', async () => {
    await using stalled = candidate(plane.kubeconfig, 'stalled')
    await stalled.says('leading')
    stalled.tell('write before-stall')
    await stalled.says('wrote before-stall')
    stalled.tell('stall after-stall')
    await stalled.says('refused after-stall leadership_lost')
    await stalled.says('ended leadership_lost')
    expect(plane.audited().filter(({ name }) => name === 'after-stall')).toEqual([])
  })

  it('hands over at once, and takes over from one that was killed', async () => {
    await using first = candidate(plane.kubeconfig, 'one')
    await first.says('leading')
    await using second = candidate(plane.kubeconfig, 'two')
    first.tell('stop')
    await first.says('ended')
    await second.says('leading')
    await using third = candidate(plane.kubeconfig, 'three')
    second.signal('SIGKILL')
    await third.says('leading')
    const lease = await client.get(leases, { namespace: 'default', name: 'test-operator' })
    expect(lease.spec?.holderIdentity).toBe('three')
    third.tell('stop')
    await third.says('ended')
  })

  it('ends a term that is cut off from the API server, before the other begins', async () => {
    await using proxy = await openCuttableProxy(plane.port)
    await using cutOff = await plane.client({ port: proxy.port })
    const moments: string[] = []
    const lead = (name: string, through: ApiClient, signal: AbortSignal, work: (term: Leadership) => Promise<void>) =>
      new LeaderElection({
        client: through,
        clock: systemClock,
        namespace: 'default',
        name: 'cut-off',
        identity: name,
        leaseDurationMs: 3_000,
        renewDeadlineMs: 2_000,
        retryPeriodMs: 400,
      }).run(signal, async (term) => {
        moments.push(`${name} leads`)
        await work(term)
        moments.push(`${name} has ended`)
      })
    const never = new AbortController().signal
    const leading = Promise.withResolvers<void>()
    const first = lead('first', cutOff.client, never, async (term) => {
      leading.resolve()
      await once(term.signal, 'abort')
    })
    first.catch(() => {})
    await leading.promise
    const second = lead('second', client, never, async () => {})
    proxy.swallowing = true
    await expect(first).rejects.toMatchObject({ code: 'leadership_lost' })
    await second
    expect(moments).toEqual(['first leads', 'first has ended', 'second leads', 'second has ended'])
  })

  it('elects one of two whose wall clocks are 10 s apart', async () => {
    const skewed = (skewMs: number): Clock => ({ ...systemClock, wall: () => Date.now() + skewMs })
    const never = new AbortController().signal
    let leading = 0
    let most = 0
    const run = async (name: string, skewMs: number) => {
      for (let n = 0; n < 3; n++) {
        const election = new LeaderElection({
          client,
          clock: skewed(skewMs),
          namespace: 'default',
          name: 'skewed',
          identity: `${name}-${n}`,
          leaseDurationMs: 3_000,
          renewDeadlineMs: 2_000,
          retryPeriodMs: 200,
        })
        await election.run(never, async (term) => {
          most = Math.max(most, ++leading)
          // Long enough for some renewals, which are what the other's clock could misjudge.
          const { spec } = await client.get(leases, { namespace: 'default', name: 'skewed' })
          for (;;) {
            const now = await client.get(leases, { namespace: 'default', name: 'skewed' })
            if (Date.parse(now.spec?.renewTime ?? '') - Date.parse(spec?.renewTime ?? '') > 1_000) break
            await new Promise((resolve) => setTimeout(resolve, 50))
          }
          term.assertHeld()
          leading -= 1
        })
      }
    }
    await Promise.all([run('fast', 5_000), run('slow', -5_000)])
    expect(most).toBe(1)
  })
})
