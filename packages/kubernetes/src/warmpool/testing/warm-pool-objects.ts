import {
  type Sandbox,
  type SandboxTemplate,
  type SandboxTemplateSpec,
  type SandboxWarmPool,
  type SandboxWarmPoolSpec,
  sandboxes,
  sandboxTemplates,
  sandboxWarmPools,
} from '../../api/index.ts'
import { apiVersionOf, type Condition, type ResourceType, type Stored, wholeSeconds } from '../../controller/index.ts'
import { poolSandbox } from '../pool-sandbox.ts'

/** Objects as the API server would give them out, at a time of their own. */
export const startMs = Date.UTC(2026, 0, 1)
const namespace = 'default'

const stored = (type: ResourceType, name: string) => ({
  apiVersion: apiVersionOf(type),
  kind: type.kind,
  metadata: {
    namespace,
    name,
    uid: `uid-of-${name}`,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: wholeSeconds(startMs),
  },
})

export const templateOf = (spec: Partial<SandboxTemplateSpec> = {}, name = 'small'): Stored<SandboxTemplate> => ({
  ...stored(sandboxTemplates, name),
  spec: { podTemplate: { spec: { containers: [{ name: 'main', image: 'busybox' }] } }, ...spec },
})

export const poolOf = (spec: Partial<SandboxWarmPoolSpec> = {}, name = 'pool'): Stored<SandboxWarmPool> => ({
  ...stored(sandboxWarmPools, name),
  spec: { replicas: 3, sandboxTemplateRef: { name: 'small' }, ...spec },
})

export interface MemberOptions {
  readonly pool?: Stored<SandboxWarmPool>
  readonly template?: Stored<SandboxTemplate>
  /** How long ago it was created. Default 0. */
  readonly ageMs?: number
  readonly conditions?: readonly Condition[]
  readonly deleting?: boolean
}

/** A Sandbox as the pool makes it; by default at {@link startMs} and not Ready. */
export function memberOf(name: string, options: MemberOptions = {}): Stored<Sandbox> {
  const { pool = poolOf(), template = templateOf(), ageMs = 0, conditions, deleting } = options
  const made = poolSandbox(pool, template, { name, evictable: true })
  const { metadata, ...rest } = stored(sandboxes, name)
  return {
    ...rest,
    ...made,
    metadata: {
      ...metadata,
      ...made.metadata,
      creationTimestamp: wholeSeconds(startMs - ageMs),
      ...(deleting && { deletionTimestamp: wholeSeconds(startMs) }),
    },
    ...(conditions && { status: { conditions } }),
  }
}

export const condition = (
  type: string,
  status: Condition['status'],
  reason: string,
  { atMs = startMs, message = '' } = {}
): Condition => ({ type, status, reason, message, lastTransitionTime: wholeSeconds(atMs) })

export const ready = [condition('Ready', 'True', 'DependenciesReady')]
export const notReady = [condition('Ready', 'False', 'DependenciesNotReady')]
export const refusedByNodes = [
  ...notReady,
  condition('PodScheduled', 'False', 'Unschedulable', { message: '0/3 nodes are available' }),
]
