import type { Lease, Pod, Stored } from '@bulkhead/kubernetes/controller'
import { leaseName, operatorName } from '@bulkhead/kubernetes/manifests'
import type { Check } from '../check.ts'
import type { Need } from './access.ts'
import type { ClusterFacts, Deployment } from './cluster-facts.ts'

type Facts = Pick<ClusterFacts, 'deployments' | 'pods' | 'leases' | 'access' | 'namespace' | 'now'>

const asAdministrator = 'ask as a cluster administrator'
const install = 'bulkhead kubernetes manifests | kubectl apply -f -'

/** Whether our operator runs, may do what it has to, and is alone. */
export const operatorChecks = (facts: Facts): Check[] => [
  deploymentCheck(facts),
  ...otherChecks(facts),
  leaseCheck(facts),
  accessCheck(facts),
]

const isOurs = ({ metadata }: Stored<Deployment>): boolean =>
  metadata.labels?.['app.kubernetes.io/part-of'] === 'bulkhead'

function deploymentCheck({ deployments, pods, namespace }: Facts): Check {
  const name = 'operator'
  if (deployments === 'hidden' || pods === 'hidden')
    return { name, state: 'warn', found: 'this user may not see Deployments and Pods', fix: asAdministrator }
  const ours = deployments.find((deployment) => isOurs(deployment) && deployment.metadata.namespace === namespace)
  if (!ours)
    return {
      name,
      state: 'fail',
      found: `not installed in namespace ${namespace}`,
      consequence: 'nothing acts on Sandboxes and claims',
      fix: install,
    }
  const wanted = ours.spec.replicas ?? 1
  const ready = ours.status?.readyReplicas ?? 0
  if (ready > 0)
    return {
      name,
      state: ready < wanted ? 'warn' : 'ok',
      found: `${ready} of ${wanted} ready in namespace ${namespace}`,
    }
  const reasons = new Set(pods.filter((pod) => pod.metadata.namespace === namespace).flatMap(waitingReasons))
  return {
    name,
    state: 'fail',
    found:
      wanted === 0 ? 'scaled to 0' : `none of ${wanted} ready${reasons.size > 0 ? `: ${[...reasons].join(', ')}` : ''}`,
    consequence: 'nothing acts on Sandboxes and claims; those that run go on',
    fix:
      wanted === 0
        ? `kubectl -n ${namespace} scale deployment ${operatorName} --replicas=1`
        : `kubectl -n ${namespace} describe pods -l app=${operatorName}`,
  }
}

const waitingReasons = ({ status }: Pod): string[] =>
  (status?.containerStatuses ?? []).flatMap(({ state }) => state?.waiting?.reason ?? state?.terminated?.reason ?? [])

/** Two that write the same objects undo each other’s work, whoever has made them. */
function otherChecks({ deployments, namespace }: Facts): Check[] {
  if (deployments === 'hidden') return []
  const others = deployments.filter((found) => !isOurs(found) || found.metadata.namespace !== namespace)
  return others
    .filter(({ spec }) => spec.replicas !== 0)
    .map(({ metadata }) => ({
      name: 'operator.other',
      state: 'fail' as const,
      found: `there is another controller of this API: deployment ${metadata.name} in namespace ${metadata.namespace}`,
      consequence:
        metadata.namespace === namespace
          ? 'the two take turns as leaders, and Sandboxes see the behaviour of both'
          : 'both act on the same Sandboxes and undo each other’s work',
      fix: `kubectl -n ${metadata.namespace} scale deployment ${metadata.name} --replicas=0; Sandboxes stay`,
    }))
}

function leaseCheck({ leases, pods, namespace, now }: Facts): Check {
  const name = 'operator.leader'
  if (leases === 'hidden' || pods === 'hidden')
    return { name, state: 'warn', found: 'this user may not see Leases and Pods', fix: asAdministrator }
  const lease = leases.find(({ metadata }) => metadata.namespace === namespace)
  const holder = lease?.spec?.holderIdentity
  if (!lease || !holder)
    return { name, state: 'warn', found: 'nobody leads', consequence: 'nothing acts until an operator is elected' }
  if (isExpired(lease, now))
    return {
      name,
      state: 'warn',
      found: `${holder} led, and has ended without resigning`,
      consequence: 'the next operator takes over when it starts',
    }
  const own = pods.filter((pod) => pod.metadata.namespace === namespace)
  if (own.some((pod) => holder.startsWith(`${pod.metadata.name}_`))) return { name, state: 'ok', found: holder }
  return {
    name,
    state: 'fail',
    found: `${holder} leads, and is none of the operator’s Pods`,
    consequence: 'our operator waits for as long as that one runs',
    fix: `find it, end it, and if it cannot be found: kubectl -n ${namespace} delete lease ${leaseName}`,
  }
}

function isExpired({ spec }: Lease, now: Date): boolean {
  const renewed = Date.parse(spec?.renewTime ?? '')
  return !(renewed + (spec?.leaseDurationSeconds ?? 0) * 1000 >= now.getTime())
}

/** How many are named; they come in families. */
const named = 4

function accessCheck({ access }: Facts): Check {
  const name = 'operator.permissions'
  if (access === 'hidden')
    return { name, state: 'warn', found: 'this user may not ask what others may do', fix: asAdministrator }
  const { asked, denied } = access
  if (denied.length === 0) return { name, state: 'ok', found: `all ${asked} it needs` }
  const more = denied.length > named ? `, and ${denied.length - named} more` : ''
  return {
    name,
    state: 'fail',
    found: `may not ${denied.slice(0, named).map(spelled).join(', ')}${more}`,
    consequence: [...new Set(denied.slice(0, named).map(({ why }) => `it ${why}`))].join('; '),
    fix: install,
  }
}

const spelled = ({ verb, group, resource, subresource }: Need): string =>
  `${verb} ${resource}${group ? `.${group}` : ''}${subresource ? `/${subresource}` : ''}`
