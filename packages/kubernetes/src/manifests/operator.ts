import { confinedPod } from './confined-pod.ts'
import { appLabels, type Manifest, type ManifestOptions } from './manifest.ts'
import { configMapFolder, configMapName, defaultNamespace, operatorName } from './names.ts'

const selector = { app: operatorName }
const ports = { metrics: 8080, healthz: 8081 } as const

/** What runs the operator. */
export const operatorManifests = (options: ManifestOptions): Manifest[] =>
  [deployment(options), service(options), disruptionBudget(options)] as Manifest[]

const metadata = (namespace: string) => ({ name: operatorName, namespace, labels: appLabels(operatorName) })

const deployment = ({ image, namespace, defaultRuntimeClass, witness }: ManifestOptions) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: metadata(namespace),
  spec: {
    // With two, the second takes over in seconds; one leads at a time.
    replicas: 1,
    selector: { matchLabels: selector },
    template: {
      metadata: { labels: appLabels(operatorName) },
      spec: confinedPod(
        {
          name: operatorName,
          image,
          args: [
            '--leader-elect=true',
            '--extensions',
            '--isolation',
            ...(namespace === defaultNamespace ? [] : [`--router-namespace=${namespace}`]),
            ...(witness ? ['--witness'] : []),
            ...(defaultRuntimeClass === undefined ? [] : [`--default-runtime-class=${defaultRuntimeClass}`]),
          ],
          ports: [
            { name: 'metrics', containerPort: ports.metrics, protocol: 'TCP' },
            { name: 'healthz', containerPort: ports.healthz, protocol: 'TCP' },
          ],
          livenessProbe: {
            httpGet: { path: '/healthz', port: 'healthz' },
            initialDelaySeconds: 15,
            periodSeconds: 20,
            timeoutSeconds: 5,
          },
          readinessProbe: { httpGet: { path: '/readyz', port: 'healthz' }, periodSeconds: 5, timeoutSeconds: 5 },
          // No limit of CPU: throttled, it would lose its lease under load.
          resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '1Gi' } },
          volumeMounts: [{ name: 'config', mountPath: configMapFolder, readOnly: true }],
        },
        {
          terminationGracePeriodSeconds: 30,
          volumes: [{ name: 'config', configMap: { name: configMapName, optional: true } }],
        }
      ),
    },
  },
})

const service = ({ namespace }: ManifestOptions) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadata(namespace),
  spec: {
    selector,
    ports: [{ name: 'metrics', port: ports.metrics, targetPort: 'metrics', protocol: 'TCP' }],
  },
})

/** A node that is drained takes one of them at a time, and is never held up. */
const disruptionBudget = ({ namespace }: ManifestOptions) => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: metadata(namespace),
  spec: { maxUnavailable: 1, selector: { matchLabels: selector } },
})
