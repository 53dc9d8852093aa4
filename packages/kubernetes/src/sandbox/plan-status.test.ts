import { describe, expect, it } from 'vitest'
import type { SandboxStatus } from '../api/index.ts'
import { findCondition } from '../controller/index.ts'
import { isFirstReadiness, type Observed, type PodState, planStatus } from './plan-status.ts'
import { type SandboxParts, storedPod, storedSandbox, storedService } from './testing/stored-sandbox.ts'

const wallMs = Date.UTC(2026, 0, 1, 0, 0, 5, 678)
const now = '2026-01-01T00:00:05Z'
const is = (type: string, status: string) => ({ type, status })
const running = { phase: 'Running', conditions: [is('Ready', 'True'), is('PodScheduled', 'True')] }
const address = { podIP: '10.0.0.7', podIPs: [{ ip: '10.0.0.7' }, { ip: 'fd00::7' }] }

const owned = (...args: Parameters<typeof storedPod>): PodState => ({ kind: 'owned', pod: storedPod(...args) })
const absent: PodState = { kind: 'absent' }
const foreign: PodState = { kind: 'foreign', error: 'not ours' }
const unknown: PodState = { kind: 'unknown' }
const several: PodState = { kind: 'several', count: 2 }
const isReady = owned({ ...running, ...address })

const plan = (pod: PodState, parts: SandboxParts = {}, more: Partial<Observed> = {}) =>
  planStatus(
    storedSandbox(parts),
    { pod, service: undefined, errors: [], ...more },
    { wallMs, clusterDomain: 'c.local' }
  )
const verdict = (status: SandboxStatus, type: string) => {
  const found = findCondition(status.conditions, type)
  return found && `${found.status} ${found.reason}: ${found.message}`
}
const suspended: SandboxParts = { spec: { operatingMode: 'Suspended' } }

describe('Ready', () => {
  it.each([
    [absent, 'False DependenciesNotReady: Pod does not exist'],
    [owned({ phase: 'Pending' }), 'False DependenciesNotReady: Pod exists with phase: Pending'],
    [owned({ phase: 'Unknown' }), 'False DependenciesNotReady: Pod exists with phase: Unknown'],
    [owned({ phase: 'Running', ...address }), 'False DependenciesNotReady: Pod is Running but not Ready'],
    [owned(running), 'False DependenciesNotReady: Pod is Ready but has no podIPs yet'],
    [owned({ ...running, podIPs: [] }), 'False DependenciesNotReady: Pod is Ready but has no podIPs yet'],
    [isReady, 'True DependenciesReady: Pod is Ready'],
    [owned({ ...running, podIP: '10.0.0.7' }), 'True DependenciesReady: Pod is Ready'],
    [owned({ ...running, phase: 'Succeeded' }), 'False PodSucceeded: Pod completed successfully'],
    [owned({ phase: 'Failed' }), 'False PodFailed: Pod failed'],
    [
      several,
      'False MultiplePods: multiple Pods (2) are controlled by this Sandbox; refusing to choose or create a Pod',
    ],
  ])('of %j', (pod, expected) => {
    expect(verdict(plan(pod), 'Ready')).toBe(expected)
  })

  it.each([
    [true, true, isReady, 'True DependenciesReady: Pod is Ready; Service Exists'],
    [true, false, isReady, 'True DependenciesReady: Pod is Ready; Service does not exist'],
    [true, false, absent, 'False DependenciesNotReady: Pod does not exist; Service does not exist'],
    [undefined, true, absent, 'False DependenciesNotReady: Pod does not exist; Service Exists'],
    [undefined, false, isReady, 'True DependenciesReady: Pod is Ready'],
    [false, false, isReady, 'True DependenciesReady: Pod is Ready'],
    [true, true, owned({ phase: 'Failed' }), 'False PodFailed: Pod failed'],
  ])('with service %s, there: %s', (service, isThere, pod, expected) => {
    const spec = service === undefined ? {} : { service }
    expect(verdict(plan(pod, { spec }, { service: isThere ? storedService() : undefined }), 'Ready')).toBe(expected)
  })

  it.each([
    ['an error before suspension', isReady, suspended, ['one', 'two'], 'False ReconcilerError: Error seen: one; two'],
    ['an error before the end', owned({ phase: 'Failed' }), {}, ['one'], 'False ReconcilerError: Error seen: one'],
    [
      'suspension before the end',
      owned({ phase: 'Failed' }),
      suspended,
      [],
      'False SandboxSuspended: Sandbox is suspending',
    ],
  ])('says %s', (_, pod, parts, errors, expected) => {
    expect(verdict(plan(pod, parts, { errors }), 'Ready')).toBe(expected)
  })

  it('has no message longer than the API takes', () => {
    const status = plan(unknown, {}, { errors: ['x'.repeat(100_000)] })
    expect(findCondition(status.conditions, 'Ready')?.message).toHaveLength(32_768)
  })
})

describe('Suspended', () => {
  it.each([
    ['running', isReady, {}, 'False NotSuspended: Sandbox is not suspended', undefined],
    ['gone', absent, suspended, 'True PodTerminated: Pod has been terminated. Sandbox is suspended', 'suspended'],
    ['there', isReady, suspended, 'False PodTerminating: Pod is terminating. Sandbox is suspending', 'suspending'],
    [
      'somebody’s',
      foreign,
      suspended,
      'False PodNotOwned: Refused to delete pod because it is not owned by this sandbox',
      'suspending',
    ],
    [
      'unknown',
      unknown,
      suspended,
      'Unknown PodStateUnknown: Pod state is unknown. Sandbox suspension cannot be confirmed',
      undefined,
    ],
  ])('while the Pod is %s', (_, pod, parts, expected, ready) => {
    const status = plan(pod, parts, { errors: pod.kind === 'unknown' ? ['x'] : [] })
    expect(verdict(status, 'Suspended')).toBe(expected)
    if (ready) expect(verdict(status, 'Ready')).toBe(`False SandboxSuspended: Sandbox is ${ready}`)
  })
})

describe('Finished', () => {
  it.each([
    [owned({ phase: 'Succeeded' }), 'True PodSucceeded: Pod completed successfully'],
    [owned({ phase: 'Failed' }), 'True PodFailed: Pod failed'],
    [isReady, undefined],
    [absent, undefined],
  ])('of %j', (pod, expected) => {
    const before = { conditions: [{ ...is('Finished', 'True'), reason: 'r', message: 'm', lastTransitionTime: now }] }
    expect(verdict(plan(pod, { status: before as SandboxStatus }), 'Finished')).toBe(expected)
  })
})

describe('PodScheduled', () => {
  const scheduled = (status: string, more: object = {}) =>
    owned({ phase: 'Pending', conditions: [{ ...is('PodScheduled', status), ...more }] })
  it.each([
    [scheduled('False', { reason: 'Unschedulable', message: '0/3 nodes' }), 'False Unschedulable: 0/3 nodes'],
    [scheduled('True'), 'True PodScheduled: '],
    [scheduled('False'), 'False PodSchedulingUnknown: '],
    [owned({ phase: 'Pending' }), 'Unknown PodSchedulingUnknown: Pod has not reported a PodScheduled condition yet'],
    [unknown, 'Unknown PodSchedulingUnknown: Pod state is unknown. Pod scheduling cannot be determined'],
    [foreign, 'Unknown PodSchedulingUnknown: Pod state is unknown. Pod scheduling cannot be determined'],
    [absent, undefined],
  ])('of %j', (pod, expected) => {
    expect(verdict(plan(pod), 'PodScheduled')).toBe(expected)
  })

  it('is not there while a suspended Sandbox has no Pod of its own', () => {
    expect(verdict(plan(foreign, suspended), 'PodScheduled')).toBeUndefined()
  })
})

describe('the rest of the status', () => {
  const selector = 'agents.x-k8s.io/sandbox-name-hash=374de8f5'
  const fieldsOf = ({ conditions: _, ...fields }: SandboxStatus) => fields

  it('tells where an owned Pod is', () => {
    expect(fieldsOf(plan(owned({ ...running, ...address }, undefined, 'node-1')))).toEqual({
      selector,
      podIPs: ['10.0.0.7', 'fd00::7'],
      nodeName: 'node-1',
    })
  })

  it('keeps the selector, and only that, when the Pod is gone', () => {
    const status = { selector, podIPs: ['10.0.0.7'], nodeName: 'node-1', service: 's', serviceFQDN: 'f' }
    expect(fieldsOf(plan(absent, { status }))).toEqual({ selector })
    expect(fieldsOf(plan(absent))).toEqual({})
    expect(fieldsOf(plan(foreign))).toEqual({ selector })
  })

  it('names a Service that can be used', () => {
    expect(fieldsOf(plan(absent, {}, { service: storedService() }))).toEqual({
      service: 'my-sandbox',
      serviceFQDN: 'my-sandbox.ns.svc.c.local',
    })
  })
})

describe('conditions', () => {
  it('are of this generation, and their time moves only with their status', () => {
    const before = '2025-12-31T23:00:00Z'
    const old = { reason: 'r', message: 'm', observedGeneration: 2, lastTransitionTime: before }
    const conditions = [
      { type: 'Ready', status: 'False', ...old },
      { type: 'Suspended', status: 'False', ...old },
      { type: 'Theirs', status: 'True', ...old },
    ] as const
    expect(plan(isReady, { status: { conditions } }).conditions).toEqual([
      expect.objectContaining({ type: 'Ready', status: 'True', observedGeneration: 3, lastTransitionTime: now }),
      expect.objectContaining({ type: 'Suspended', observedGeneration: 3, lastTransitionTime: before }),
      conditions[2],
      expect.objectContaining({ type: 'PodScheduled', observedGeneration: 3, lastTransitionTime: now }),
    ])
  })

  it('tell a first readiness from a later one', () => {
    const at = (ready: string, suspended: string): SandboxStatus => ({
      conditions: [
        { type: 'Ready', status: 'False', reason: 'r', message: 'm', lastTransitionTime: ready },
        { type: 'Suspended', status: 'False', reason: 'r', message: 'm', lastTransitionTime: suspended },
      ],
    })
    expect(isFirstReadiness(undefined)).toBe(true)
    expect(isFirstReadiness(at('1', '1'))).toBe(true)
    expect(isFirstReadiness(at('2', '1')), 'was Ready').toBe(false)
    expect(isFirstReadiness(at('1', '2')), 'was suspended').toBe(false)
  })
})
