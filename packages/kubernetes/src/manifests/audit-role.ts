import { auditedTypes } from '../audit/audited-types.ts'
import { role } from './access.ts'
import type { Manifest } from './manifest.ts'
import type { Permission } from './permissions.ts'

const lists: readonly Permission[] = auditedTypes.map(({ types, why }) => ({
  apiGroups: [...new Set(types.map(({ group }) => group))],
  resources: types.map(({ plural }) => plural),
  verbs: ['list'],
  why,
}))
const exec: Permission = {
  apiGroups: [''],
  resources: ['pods/exec'],
  verbs: ['create', 'get'],
  why: 'asks pods for their boot id; who holds it can run anything in any pod. API servers want get for a WebSocket, newer ones create',
}

/** What `bulkhead audit` needs, and no more. With `probe`: also what `--probe` needs. */
export const auditRole = ({ probe }: { readonly probe: boolean }): Manifest =>
  role('ClusterRole', { name: probe ? 'bulkhead-audit-probe' : 'bulkhead-audit' }, probe ? [...lists, exec] : lists)
