import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { type ApiRequest, isWrite } from '../support/api-request.ts'
import { type Arena, pools } from '../support/arena.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import type { Ground } from '../support/ground.ts'
import { OperatorProcess } from '../support/operator-process.ts'

const kills = 100
/** A claim for a gVisor pod is made in every so many rounds. */
const isolatedEvery = 25
/** An operator that finds nothing to write is killed then. */
const idleMs = 10_000

/**
 * Where in a write it strikes: before the API server hears of it, when it is done and nobody knows, or when the operator has just been told. There are
 * others under way at the same time.
 */
const moments = ['before', 'done', 'told'] as const

export function operatorKilled(ground: () => Ground): void {
  it(`loses nothing when it is killed ${kills} times in the middle of its work`, { timeout: 600_000 }, async () => {
    await using proxy = await ground().proxy()
    await using arena = await ground().arena('killed', { isolated: 1 })
    let struck = 0
    const ended = new AbortController()
    const loading = arena.load.run(ended.signal)
    try {
      for (let round = 0; round < kills; round++) {
        if (round % isolatedEvery === 0) await arena.claim(`isolated-${round}`, pools.isolated)
        if (await runUntilKilled(ground(), proxy, arena)) struck += 1
      }
    } finally {
      ended.abort()
      await loading
    }
    await using _last = await ground().operator()
    await arena.expectNothingLost()
    // Hardly ever it finds too little to do before its time is over.
    expect(struck).toBeGreaterThan(kills * 0.8)
  })
}

/** Returns whether it was killed in a write. */
async function runUntilKilled(ground: Ground, proxy: FaultProxy, { random }: Arena): Promise<boolean> {
  const moment = random.pick(moments)
  let left = random.between(1, 15)
  await using operator = await OperatorProcess.start({ kubeconfig: proxy.kubeconfig })
  const strikes = (when: (typeof moments)[number], request: ApiRequest) =>
    when === moment && isWrite(request) && --left === 0
  proxy.onRequest = async (request) => {
    if (!strikes('before', request)) return undefined
    await operator.kill()
    return { kind: 'lose-request' }
  }
  proxy.onAnswer = async (request) => {
    if (strikes('done', request)) await operator.kill()
    else if (strikes('told', request)) setImmediate(() => void operator.kill())
  }
  const idle = new AbortController()
  try {
    await Promise.race([operator.ended, sleep(idleMs, undefined, { signal: idle.signal }).catch(() => {})])
  } finally {
    idle.abort()
  }
  await operator.kill()
  const { signal } = await operator.ended
  if (signal !== 'SIGKILL') throw new Error(`the operator has ended by itself:\n${operator.log()}`)
  await ground.clearLease()
  return left <= 0
}
