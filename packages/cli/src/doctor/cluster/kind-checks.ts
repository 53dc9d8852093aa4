import { isDeepStrictEqual } from 'node:util'
import { type CustomResourceDefinition, definitions } from '@bulkhead/kubernetes/manifests'
import type { Check } from '../check.ts'
import type { ClusterFacts } from './cluster-facts.ts'

const applyKinds = 'bulkhead kubernetes manifests --only kinds | kubectl apply --server-side --force-conflicts -f -'

/** Whether the API is there, and whose. */
export function kindChecks({ definitions: found }: Pick<ClusterFacts, 'definitions'>): Check[] {
  if (found === 'hidden')
    return [
      { name: 'kinds', state: 'warn', found: 'this user may not see them', fix: 'ask as a cluster administrator' },
    ]
  return definitions.map((wanted) => kindCheck(wanted, found.get(wanted.metadata.name)))
}

function kindCheck(wanted: CustomResourceDefinition, found: CustomResourceDefinition | undefined): Check {
  const { plural, kind } = wanted.spec.names
  const name = `kinds.${plural}`
  if (!found) return { name, state: 'fail', found: 'not there', consequence: `no ${kind} can be made`, fix: applyKinds }
  if (found.spec.conversion?.strategy === 'Webhook')
    return {
      name,
      state: 'fail',
      found: 'converts versions by the webhook of another controller',
      consequence: `without that controller no ${kind} can be read or written`,
      fix: `move what is stored to ${versionOf(wanted)}, then: ${applyKinds}`,
    }
  const served = versionOf(wanted)
  const older = (found.status?.storedVersions ?? []).filter((version) => version !== served)
  if (older.length > 0)
    return {
      name,
      state: 'warn',
      found: `objects may be stored as ${older.join(', ')}`,
      consequence: `our definition, which serves ${served} alone, cannot be applied`,
      fix: `write every ${kind} anew, then take ${older.join(', ')} out of status.storedVersions`,
    }
  const established = found.status?.conditions?.find((condition) => condition.type === 'Established')
  if (established?.status !== 'True')
    return {
      name,
      state: 'fail',
      found: `not served: ${established?.message ?? 'nobody has looked at it yet'}`,
      fix: `kubectl describe crd ${wanted.metadata.name}`,
    }
  if (!isDeepStrictEqual(schemaOf(found, served), schemaOf(wanted, served)))
    return {
      name,
      state: 'warn',
      found: 'of another version of Bulkhead, or of another controller',
      consequence: 'fields that it does not know are dropped without a word',
      fix: applyKinds,
    }
  return { name, state: 'ok', found: 'as of this version' }
}

/** Each of our kinds is served in one. */
const versionOf = ({ spec }: CustomResourceDefinition) => spec.versions[0]?.name ?? ''

const schemaOf = ({ spec }: CustomResourceDefinition, version: string) =>
  spec.versions.find(({ name }) => name === version)?.schema?.openAPIV3Schema
