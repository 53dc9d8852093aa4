import { describe, expect, it } from 'vitest'
import { refusals } from './refusal.ts'
import { planTarget } from './target.ts'
import type { Wish } from './wish.ts'

const wish = (address?: string): Wish => ({ sandbox: 's', namespace: 'n', port: 8888, address, timeoutMs: 1 })
const known = (addresses: readonly string[]) => ({ addresses })
const [v4, v6] = ['10.0.0.7', 'fd00::7']

describe('where a request goes', () => {
  it.each([
    ['the Pod’s address', known([v4]), wish(), { host: v4 }],
    ['IPv4 first', known([v6, v4]), wish(), { host: v4 }],
    ['the one the client names, when it is the Pod’s', known([v4, v6]), wish(v6), { host: v6 }],
    ['the Pod’s, when the client names another', known([v4]), wish('10.0.0.8'), { host: v4 }],
    ['nowhere, when it has no Pod', known([]), wish('10.0.0.8'), refusals.unreachable('s')],
    ['nowhere, when there is no such Sandbox', undefined, wish(), refusals.unreachable('s')],
    ['not to an address that belongs to no Sandbox', undefined, wish(v4), refusals.addressInvalid],
    ['by name alone, when the cluster is not known', 'blind' as const, wish(v4), { host: 's.n.svc.c.example' }],
  ])('%s', (_, sandbox, wanted, outcome) => {
    expect(planTarget(sandbox, wanted, 'c.example').outcome).toEqual(outcome)
  })

  it('waits only for what a watch may still show', () => {
    expect(planTarget(known([v4]), wish('10.0.0.8'), 'c').settled).toBe(true)
    expect(planTarget('blind', wish(), 'c').settled).toBe(true)
    expect(planTarget(known([]), wish(), 'c').settled).toBe(false)
    expect(planTarget(undefined, wish(), 'c').settled).toBe(false)
  })
})
