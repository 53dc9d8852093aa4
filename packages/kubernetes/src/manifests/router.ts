import type { PodSpec } from '../api/index.ts'
import { confinedPod } from './confined-pod.ts'
import { appLabels, type Manifest, type ManifestOptions, type RouterAccess } from './manifest.ts'
import { routerName, routerServiceName, routerTokenSecretName } from './names.ts'

const port = 8080
const selector = { app: routerName }

/** The HTTP way from SDKs into Sandboxes. */
export const routerManifests = (options: ManifestOptions, access: RouterAccess): Manifest[] =>
  [deployment(options, access), service(options), disruptionBudget(options)] as Manifest[]

const deployment = ({ image, namespace }: ManifestOptions, access: RouterAccess) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: routerName, namespace, labels: appLabels(routerName) },
  spec: {
    // Through a tunnel clients come to one Pod anyway.
    replicas: access === 'tunnel' ? 1 : 2,
    selector: { matchLabels: selector },
    template: {
      metadata: { labels: appLabels(routerName) },
      spec: confinedPod(
        {
          name: routerName,
          image,
          command: ['/usr/bin/node', '/app/router.mjs'],
          env: environment[access],
          ports: [{ name: 'http', containerPort: port, protocol: 'TCP' }],
          ...(access !== 'tunnel' && probes),
          resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '512Mi' } },
        },
        // What is under way when it ends gets time to be answered.
        { terminationGracePeriodSeconds: 60 }
      ),
    },
  },
})

type Environment = NonNullable<PodSpec['containers'][number]['env']>

const environment: Readonly<Record<RouterAccess, Environment>> = {
  // Who forwards a port to the Pod arrives on its loopback, and was authorized by the API server.
  tunnel: [
    { name: 'ROUTER_LISTEN', value: `127.0.0.1:${port}` },
    { name: 'ALLOW_UNAUTHENTICATED_ROUTER', value: 'true' },
  ],
  token: [{ name: 'ROUTER_AUTH_TOKEN', valueFrom: { secretKeyRef: { name: routerTokenSecretName, key: 'token' } } }],
  open: [{ name: 'ALLOW_UNAUTHENTICATED_ROUTER', value: 'true' }],
}

/** Impossible through a tunnel: a kubelet asks at the Pod's address. */
const probes = {
  livenessProbe: {
    httpGet: { path: '/healthz', port: 'http' },
    initialDelaySeconds: 15,
    periodSeconds: 20,
    timeoutSeconds: 5,
  },
  readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 5, timeoutSeconds: 5 },
}

const service = ({ namespace }: ManifestOptions) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: routerServiceName, namespace, labels: appLabels(routerName) },
  spec: { selector, ports: [{ name: 'http', port, targetPort: 'http', protocol: 'TCP' }] },
})

const disruptionBudget = ({ namespace }: ManifestOptions) => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: routerName, namespace, labels: appLabels(routerName) },
  spec: { maxUnavailable: 1, selector: { matchLabels: selector } },
})
