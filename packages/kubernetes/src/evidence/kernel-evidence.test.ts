import { beforeEach, describe, expect, it } from 'vitest'
import type { NodeWitness, WitnessedPod } from '../api/index.ts'
import type { Change, ChangeHandler, Stored } from '../controller/index.ts'
import { ManualClock } from '../controller/testing/manual-clock.ts'
import type { CachedPod } from '../operator/cached-pod.ts'
import { KernelEvidence } from './kernel-evidence.ts'

const seen = (name: string, verdict: WitnessedPod['verdict'] = 'Isolated'): WitnessedPod => ({
  uid: `uid-${name}`,
  namespace: 'ns',
  name,
  verdict,
  reason: 'OwnKernel',
  since: '2026-01-01T00:00:00Z',
})
const witness = (pods: readonly WitnessedPod[], observedAt = '2026-01-01T00:00:00Z') =>
  ({ metadata: { name: 'node' }, status: { observedAt, pods } }) as unknown as Stored<NodeWitness>
const pod = (name: string, uid = `uid-${name}`) =>
  ({ metadata: { namespace: 'ns', name, uid }, spec: { nodeName: 'node' }, status: {} }) as unknown as Stored<CachedPod>

describe('what the operator knows by its witnesses', () => {
  let clock: ManualClock
  let evidence: KernelEvidence
  let told: string[]
  let tell: ChangeHandler<NodeWitness>
  let known: Stored<NodeWitness> | undefined
  const pods = new Map([pod('a'), pod('b'), pod('c', 'of-another')].map((one) => [`ns/${one.metadata.name}`, one]))
  const change = (type: 'added' | 'updated' | 'deleted', object: Stored<NodeWitness>) => {
    const old = known
    known = type === 'deleted' ? undefined : object
    tell({ type, object, ...(type === 'updated' && { old }) } as Change<NodeWitness>)
  }
  const takeTold = () => told.splice(0)

  beforeEach(() => {
    clock = new ManualClock()
    told = []
    known = undefined
    const witnesses = {
      synced: Promise.resolve(),
      onChange: (handler: ChangeHandler<NodeWitness>) => {
        tell = handler
        return { [Symbol.dispose]: () => {} }
      },
      store: { get: () => known },
    }
    evidence = new KernelEvidence({ witnesses, pods: { store: { get: (key) => pods.get(key) } }, clock })
    evidence.onChange(({ object }) => told.push(object.metadata.name))
  })

  it('tells of Pods whose evidence has changed, come or gone, and of no others', () => {
    change('added', witness([seen('a'), seen('b')]))
    expect(takeTold()).toEqual(['a', 'b'])
    change('updated', witness([seen('a'), seen('b')], '2026-01-01T00:00:10Z'))
    expect(takeTold()).toEqual([])
    change('updated', witness([seen('a'), seen('b', 'Mismatch')]))
    expect(takeTold()).toEqual(['b'])
    change('updated', witness([seen('a')]))
    expect(takeTold()).toEqual(['b'])
    change('deleted', witness([seen('a')]))
    expect(takeTold()).toEqual(['a'])
  })

  it('says nothing of a Pod that has only the name of the one that was seen', () => {
    change('added', witness([seen('c')]))
    expect(takeTold()).toEqual([])
    expect(evidence.of(pod('c', 'of-another'))).toBeUndefined()
  })

  it('believes a witness until it is silent, and again when it is heard of', () => {
    change('added', witness([seen('a')]))
    takeTold()
    clock.advance(12_000)
    expect(evidence.quietMs('node')).toBe(12_000)
    expect(evidence.of(pod('a'))).toMatchObject({ verdict: 'Isolated' })
    evidence.fallSilent('node')
    expect(takeTold()).toEqual(['a'])
    expect(evidence.of(pod('a'))).toMatchObject({ verdict: 'Unknown', reason: 'WitnessSilent' })
    change('updated', witness([seen('a')], '2026-01-01T00:01:00Z'))
    expect(takeTold()).toEqual(['a'])
    expect(evidence.of(pod('a'))).toMatchObject({ verdict: 'Isolated' })
    expect(evidence.quietMs('node')).toBe(0)
  })

  it('knows nothing of nodes without a witness, and of Pods without a node', () => {
    expect(evidence.of(pod('a'))).toBeUndefined()
    expect(evidence.quietMs('node')).toBeUndefined()
    change('added', witness([seen('a')]))
    expect(evidence.of({ ...pod('a'), spec: {} })).toBeUndefined()
  })
})
