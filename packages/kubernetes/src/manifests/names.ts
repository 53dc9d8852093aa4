/** Names that clients and tools of the API know: the SDKs look for the router by them, others rewrite the Deployment's arguments. */
export const defaultNamespace = 'agent-sandbox-system'

/** Deployment, container, ServiceAccount, Service, roles, and the label `app`. */
export const operatorName = 'agent-sandbox-controller'

/** By which operators agree on one leader, also with that API's own controller: two of them never write at once. */
export const leaseName = 'a3317529.agent-sandbox.x-k8s.io'

/** May or may not exist: `allowed-label-domains` in it. */
export const configMapName = 'agent-sandbox-config'
export const configMapFolder = '/etc/sandbox-config'

/**
 * Namespace, DaemonSet, container, ServiceAccount, roles and admission policy. A namespace of its own, because what looks at a node needs more than
 * the standard that the operator's Pods meet, and because nothing else may run as its account.
 */
export const witnessName = 'bulkhead-witness'

/** Deployment, container, ServiceAccount, roles, and the label `app`, by which the default NetworkPolicy of a template lets it in. */
export const routerName = 'sandbox-router'
export const routerServiceName = 'sandbox-router-svc'
/** ServiceAccount and roles of a server that is a Backend in front of the cluster. */
export const serverName = 'bulkhead-server'
/** Key `ed25519.pem`. */
export const serverKeySecretName = 'bulkhead-server-key'
/** Key `token`. */
export const routerTokenSecretName = 'sandbox-router-token'
