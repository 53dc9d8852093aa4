import type { PodSpec } from '../api/index.ts'

type Container = PodSpec['containers'][number]

/** A Pod with one container of our image, that meets the Pod security standard `restricted` and writes to no file. */
export const confinedPod = (container: Container, rest: Omit<PodSpec, 'containers'> = {}): PodSpec => ({
  ...rest,
  // What the image is for.
  nodeSelector: { 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' },
  serviceAccountName: container.name,
  automountServiceAccountToken: true,
  // Its environment would list every Service of the namespace.
  enableServiceLinks: false,
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 65_532,
    runAsGroup: 65_532,
    seccompProfile: { type: 'RuntimeDefault' },
  },
  containers: [
    {
      ...container,
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
    },
  ],
})
