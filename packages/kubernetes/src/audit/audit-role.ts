import { auditedTypes } from './collect.ts'

interface Rule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

/** The ClusterRole that an audit needs, and no more. With `probe`: also what lets its holder run any command in any pod. */
export function auditRole({ probe }: { readonly probe: boolean }) {
  const lists = [...Map.groupBy(auditedTypes, ({ group }) => group)].map(
    ([group, types]): Rule => ({ apiGroups: [group], resources: types.map(({ plural }) => plural), verbs: ['list'] })
  )
  // API servers ask for `get` when the connection is a WebSocket, newer ones for `create` too.
  const exec: Rule = { apiGroups: [''], resources: ['pods/exec'], verbs: ['create', 'get'] }
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: probe ? 'bulkhead-audit-probe' : 'bulkhead-audit' },
    rules: probe ? [...lists, exec] : lists,
  }
}
