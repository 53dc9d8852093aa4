import type { Sandbox } from '../api/index.ts'
import type { Pod, Stored } from '../controller/index.ts'
import { placed } from '../domains/index.ts'
import type { CoreCaches, OperatorContext } from '../operator/operator-context.ts'
import { buildPod } from './build-pod.ts'
import { NoPlaceError } from './pass-errors.ts'

/** The Pod of a Sandbox, bound to its tenant's nodes where there are such. Fails with {@link NoPlaceError}: a Pod that is bound to none would run anywhere. */
export function placePod(
  sandbox: Stored<Sandbox>,
  { settings, planPlacement }: Pick<OperatorContext<CoreCaches>, 'settings' | 'planPlacement'>
): Pod {
  const pod = buildPod(sandbox, settings)
  const { spec } = pod
  if (!planPlacement || !spec) return pod
  const planned = planPlacement({
    namespace: sandbox.metadata.namespace ?? '',
    labels: pod.metadata?.labels ?? {},
    spec,
  })
  switch (planned.kind) {
    case 'anywhere':
      return pod
    case 'placed':
      return { ...pod, spec: placed(spec, planned.placement) }
    case 'nowhere':
      throw new NoPlaceError(planned.why)
  }
}
