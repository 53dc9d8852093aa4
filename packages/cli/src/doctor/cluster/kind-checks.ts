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
  const version = servedVersion(wanted)
  const name = `kinds.${plural}`
  if (!found) return { name, state: 'fail', found: 'not there', consequence: `no ${kind} can be made`, fix: applyKinds }
  if (found.spec.conversion?.strategy === 'Webhook')
    return {
      name,
      state: 'fail',
      found: 'converts versions by the webhook of another controller',
      consequence: `without that controller no ${kind} can be read or written`,
      fix: `move what is stored to ${version}, then: ${applyKinds}`,
    }
  const ours = wanted.spec.versions.map(({ name }) => name)
  const older = (found.status?.storedVersions ?? []).filter((version) => !ours.includes(version))
  if (older.length > 0)
    return {
      name,
      state: 'warn',
      found: `objects may be stored as ${older.join(', ')}`,
      consequence: `our definition, which serves ${version} alone, cannot be applied`,
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
  if (!isDeepStrictEqual(schemaOf(found, version), schemaOf(wanted, version)))
    return {
      name,
      state: 'warn',
      found: 'of another version of Bulkhead, or of another controller',
      consequence: 'fields that it does not know are dropped without a word',
      fix: applyKinds,
    }
  return { name, state: 'ok', found: 'as of this version' }
}

/** Each of our definitions has one. */
const servedVersion = ({ spec }: CustomResourceDefinition) => spec.versions[0]?.name

const schemaOf = ({ spec }: CustomResourceDefinition, version: string | undefined) =>
  spec.versions.find(({ name }) => name === version)?.schema?.openAPIV3Schema
