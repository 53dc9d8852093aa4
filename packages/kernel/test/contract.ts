/**
 * What every kernel runtime keeps, in one suite. It needs root, boots real kernels and looks at the host from outside. What a runtime cannot
 * do it says in `lacks`, with the reason, and the test says so.
 */
import { afterAll, beforeAll, describe } from 'vitest'
import type { KernelRuntime } from '../src/index.ts'
import type { Bench, Lacks } from './contract/bench.ts'
import { describeChannel } from './contract/channel.ts'
import { describeExits } from './contract/exits.ts'
import { describeLifecycle } from './contract/lifecycle.ts'
import { describePosture, type ExpectedPosture } from './contract/posture.ts'
import { describeSnapshots } from './contract/snapshots.ts'
import { describeTakeover } from './contract/takeover.ts'
import { type Places, Workbench } from './support/workbench.ts'

export interface Subject {
  /** A runtime object in these places; called again for a second server. */
  readonly make: (places: Places) => Promise<KernelRuntime>
  readonly posture: ExpectedPosture
}

export function describeKernelRuntime(name: string, subject: Subject, options: { lacks?: Lacks } = {}): void {
  const lacks = options.lacks ?? {}
  describe(`kernel runtime ${name}`, () => {
    let opened: Workbench | undefined
    beforeAll(async () => {
      opened = await Workbench.open(subject.make)
    })
    afterAll(() => opened?.[Symbol.asyncDispose]())
    const bench: Bench = () => {
      if (!opened) throw new Error('the workbench is not open')
      return opened
    }
    describeLifecycle(bench)
    describeChannel(bench)
    describeSnapshots(bench, lacks)
    describeTakeover(bench)
    describeExits(bench, lacks)
    describePosture(bench, subject.posture)
  })
}
