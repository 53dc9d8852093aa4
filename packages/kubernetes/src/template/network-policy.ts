import { isDeepStrictEqual } from 'node:util'
import { label, nameHash, type SandboxTemplate } from '../api/index.ts'
import type { NetworkPolicy, Stored } from '../controller/index.ts'

export type NetworkPolicySpec = NonNullable<NetworkPolicy['spec']>

const suffix = '-network-policy'

export const policyNameOf = (template: string): string => `${template}${suffix}`

/** The template a policy is named for; undefined: for none. */
export const templateNameOf = (policy: string): string | undefined =>
  policy.endsWith(suffix) && policy.length > suffix.length ? policy.slice(0, -suffix.length) : undefined

/** Networks that are not the internet: private, and local to a link (where clouds serve credentials). */
const notInternet = {
  v4: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16'],
  v6: ['fc00::/7', 'fe80::/10'],
} as const

/** In from the routers alone; out to the internet alone. */
const defaultRules = (routerNamespace: string): Pick<NetworkPolicySpec, 'ingress' | 'egress'> => ({
  ingress: [
    {
      from: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': routerNamespace } },
          podSelector: { matchLabels: { app: 'sandbox-router' } },
        },
      ],
    },
  ],
  egress: [
    {
      to: [
        { ipBlock: { cidr: '0.0.0.0/0', except: [...notInternet.v4] } },
        { ipBlock: { cidr: '::/0', except: [...notInternet.v6] } },
      ],
    },
  ],
})

/** What the Pods of a template's Sandboxes may send and receive; undefined: the template leaves that to others. */
export function policySpecOf(
  { metadata, spec }: Stored<SandboxTemplate>,
  { routerNamespace }: { readonly routerNamespace: string }
): NetworkPolicySpec | undefined {
  if (spec.networkPolicyManagement === 'Unmanaged') return undefined
  const { ingress, egress } = spec.networkPolicy ?? defaultRules(routerNamespace)
  return {
    podSelector: selectorOf(metadata.name),
    // Both, always: a direction without rules is closed.
    policyTypes: ['Ingress', 'Egress'],
    ...(ingress && { ingress }),
    ...(egress && { egress }),
  } as NetworkPolicySpec
}

export const selectorOf = (template: string) => ({
  matchLabels: { [label.sandboxTemplateRefHash]: nameHash(template) },
})

/** Whether two specs say the same: the API server fills in protocols, and leaves out what is empty. */
export const isSamePolicy = (a: NetworkPolicySpec | undefined, b: NetworkPolicySpec): boolean =>
  isDeepStrictEqual(canonical(a), canonical(b))

function canonical(value: unknown, key = ''): unknown {
  if (Array.isArray(value))
    return value.map((item) => (key === 'ports' ? { protocol: 'TCP', ...canonicalObject(item) } : canonical(item)))
  return typeof value === 'object' && value !== null ? canonicalObject(value) : value
}

function canonicalObject(value: object): object {
  const entries = Object.entries(value).filter(([key, member]) => !isLeftOut(key, member))
  return Object.fromEntries(entries.map(([key, member]) => [key, canonical(member, key)]))
}

/** An empty selector selects everything, and stays; an empty list, or an empty map in a selector, is the same as none. */
const isLeftOut = (key: string, member: unknown): boolean =>
  member === undefined ||
  member === null ||
  (Array.isArray(member) && member.length === 0) ||
  (key === 'matchLabels' && Object.keys(member as object).length === 0)
