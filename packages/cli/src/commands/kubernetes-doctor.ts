import { kubeconfigAccess, openApiClient, systemClock, toFailure } from '@bulkhead/kubernetes/controller'
import { defaultNamespace } from '@bulkhead/kubernetes/manifests'
import { clusterChecks } from '../doctor/cluster/cluster-checks.ts'
import { readCluster } from '../doctor/cluster/cluster-facts.ts'
import { renderChecks } from '../doctor/render.ts'
import { ExitCode } from '../exit-code.ts'
import { abortOnInterruption } from '../interruption.ts'
import { data, json } from '../output/streams.ts'

export interface KubernetesDoctorOptions {
  readonly kubeconfig?: string
  readonly context?: string
  readonly namespace?: string
  readonly json?: boolean
}

/** Longest silence of the API server. */
const timeoutMs = 15_000

/** `bulkhead kubernetes doctor`: looks and tells, mends nothing. Exit code `violated` when something fails, `failed` when the cluster cannot be asked. */
export async function kubernetesDoctor(_args: string[], options: KubernetesDoctorOptions): Promise<number> {
  using interruption = abortOnInterruption()
  const { signal } = interruption
  const { kubeconfig: file, context, namespace = defaultNamespace } = options
  const clock = systemClock
  const access = await kubeconfigAccess({ clock, ...(file && { file }), ...(context && { context }) })
  await using opened = openApiClient({ access, clock, defaults: { fieldManager: 'bulkhead-doctor' } })
  try {
    const checks = clusterChecks(
      await readCluster(opened.client, namespace, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]))
    )
    if (options.json) json({ checks })
    else data(renderChecks(checks))
    return checks.some((check) => check.state === 'fail') ? ExitCode.violated : ExitCode.success
  } catch (error) {
    signal.throwIfAborted()
    throw toFailure(error) ?? error
  }
}
