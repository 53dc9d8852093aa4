import { describe, expect, it } from 'vitest'
import { annotation, type Sandbox, type SandboxClaim } from '../api/index.ts'
import type { Stored } from '../controller/index.ts'
import { type Found, findSandbox } from './find-sandbox.ts'
import { aClaim, aMember, condition, ownSandbox, readyCondition } from './testing/objects.ts'

const other = aClaim({ name: 'other' })
const plain = aClaim()
const bound = aClaim({}, { status: { sandbox: { name: 's' }, conditions: [] } })
const wasReady = aClaim({}, { status: { sandbox: { name: 's' }, conditions: [readyCondition] } })
const stampedReady = aClaim(
  { annotations: { [annotation.claimFirstReadyAt]: 'unknown' } },
  { status: { sandbox: { name: 's' }, conditions: [] } }
)
const assigned = aClaim({ annotations: { [annotation.sandboxName]: 's' } })
/** The stamp was written with the assignment. */
const assignedReady = aClaim({
  annotations: { [annotation.sandboxName]: 's', [annotation.claimFirstReadyAt]: 'x' },
})
const oldAssigned = aClaim({ labels: { [annotation.sandboxName]: 's' } })
const ended = { conditions: [condition('Finished', 'True', 'PodFailed')] }
const leaving = { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }

const own = (name: string, options = {}) => ownSandbox(plain, name, 'warm', options)
const cold = (name: string, options = {}) => ownSandbox(plain, name, 'cold', options)

interface Case {
  readonly claim: Stored<SandboxClaim>
  readonly cached?: readonly Stored<Sandbox>[]
  /** Read from the API server in this pass; a name: it is not there. */
  readonly read?: readonly (Stored<Sandbox> | string)[]
}

function find({ claim, cached = [], read = [] }: Case): Found {
  const certain = new Map(
    read.map((each) => (typeof each === 'string' ? [each, undefined] : [each.metadata.name, each]))
  )
  return findSandbox(
    claim,
    {
      get: (name) =>
        certain.has(name)
          ? { sandbox: certain.get(name), certain: true }
          : { sandbox: cached.find(({ metadata }) => metadata.name === name), certain: false },
      owned: cached.filter(({ metadata }) => metadata.ownerReferences?.[0]?.uid === claim.metadata.uid),
    },
    Date.parse('2026-01-01T00:00:00Z')
  )
}

const told = (found: Found): string =>
  found.kind === 'none' ? 'none' : `${found.kind} ${found.kind === 'unsure' ? found.name : found.sandbox.metadata.name}`

describe('the Sandbox of a claim', () => {
  it.each<[string, Case, string]>([
    ['there is none', { claim: plain }, 'none'],
    ['status names it', { claim: bound, cached: [own('s')] }, 'bound s'],
    [
      'status names it, and it is suspended',
      { claim: bound, cached: [own('s', { status: { podIPs: [] } })] },
      'bound s',
    ],
    ['status comes before the name', { claim: bound, cached: [own('s'), cold('claim')] }, 'bound s'],
    ['the cache does not know it', { claim: bound }, 'unsure s'],
    ['the cache still has it as the pool’s', { claim: bound, cached: [aMember('s')] }, 'unsure s'],
    ['it is gone', { claim: bound, read: ['s'] }, 'none'],
    ['it is someone else’s by now', { claim: bound, read: [ownSandbox(other, 's', 'warm')] }, 'none'],
    [
      'it is gone, and another of the claim’s is there',
      { claim: bound, read: ['s'], cached: [cold('claim')] },
      'bound claim',
    ],

    ['it was given one of the pool', { claim: assigned, cached: [aMember('s')] }, 'assigned s'],
    ['an older version gave it one', { claim: oldAssigned, cached: [aMember('s')] }, 'assigned s'],
    ['it was given one, and has it', { claim: assigned, cached: [own('s')] }, 'bound s'],
    ['it was given one the cache does not know', { claim: assigned }, 'unsure s'],
    ['it was given one that is gone', { claim: assigned, read: ['s'] }, 'none'],
    ['another claim got what it was given', { claim: assigned, read: [ownSandbox(other, 's', 'warm')] }, 'none'],
    ['what it was given has ended', { claim: assigned, cached: [aMember('s', {}, { status: ended })] }, 'unsure s'],
    ['what it was given certainly has ended', { claim: assigned, read: [aMember('s', {}, { status: ended })] }, 'none'],
    ['what it was given is being deleted', { claim: assigned, read: [aMember('s', leaving.metadata)] }, 'none'],

    ['one of its name is its own', { claim: plain, cached: [cold('claim')] }, 'bound claim'],
    [
      'one of its name is someone else’s',
      { claim: plain, read: [cold('claim', { metadata: { ownerReferences: [] } })] },
      'taken claim',
    ],
    [
      'one of its name seems to be someone else’s',
      { claim: plain, cached: [ownSandbox(other, 'claim', 'cold')] },
      'unsure claim',
    ],
    ['it controls one that it does not name', { claim: plain, cached: [own('lost')] }, 'bound lost'],

    ['its member ended before it was Ready', { claim: bound, cached: [own('s', { status: ended })] }, 'dead s'],
    ['its member ended before status named it', { claim: assigned, cached: [own('s', { status: ended })] }, 'dead s'],
    [
      'its member ended after the stamp, before status',
      { claim: assignedReady, cached: [own('s', { status: ended })] },
      'dead s',
    ],
    ['its member ended after it was Ready', { claim: wasReady, cached: [own('s', { status: ended })] }, 'bound s'],
    [
      'its member ended long after it was Ready',
      { claim: stampedReady, cached: [own('s', { status: ended })] },
      'bound s',
    ],
    ['its member is deleted before it was Ready', { claim: bound, cached: [own('s', leaving)] }, 'none'],
    ['its member is deleted after it was Ready', { claim: wasReady, cached: [own('s', leaving)] }, 'bound s'],
    [
      'what was made for it ended before it was Ready',
      { claim: bound, cached: [cold('s', { status: ended })] },
      'bound s',
    ],
  ])('%s', (_, given, expected) => {
    expect(told(find(given))).toBe(expected)
  })
})
