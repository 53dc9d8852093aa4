import type { KubernetesObject } from '../controller/index.ts'

/** An object as it is applied. */
export type Manifest = KubernetesObject & {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

export interface ManifestOptions {
  /** Of operator and router. */
  readonly image: string
  /** Where both run. SDKs look for the router in the default one. */
  readonly namespace: string
  /** For Pods of Sandboxes that name none. Unset: they are left as they are. */
  readonly defaultRuntimeClass?: string
  /** Whether a witness looks at each node. */
  readonly witness?: boolean
  /** Unset: no router. */
  readonly router?: RouterAccess
}

/**
 * Who may use the router, which reaches every Sandbox. `tunnel`: those whom the API server lets forward ports to its Pod, as the SDKs do by default; it
 * listens on nothing else. `token`: who bears the token in the Secret `sandbox-router-token`. `open`: everybody who reaches its Service.
 */
export type RouterAccess = 'tunnel' | 'token' | 'open'
export const routerAccesses = ['tunnel', 'token', 'open'] as const satisfies readonly RouterAccess[]

export const appLabels = (app: string) => ({
  app,
  'app.kubernetes.io/name': app,
  'app.kubernetes.io/part-of': 'bulkhead',
})
