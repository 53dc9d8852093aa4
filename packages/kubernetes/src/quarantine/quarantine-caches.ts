import { type Quarantine, quarantineLabel, quarantines } from '../api/index.ts'
import { Informer, type Pod, pods, withoutManagedFields } from '../controller/index.ts'
import type { OperatorContext } from '../operator/operator-context.ts'

export interface QuarantineCaches {
  readonly quarantines: Informer<Quarantine>
  /** Those in quarantine. */
  readonly pods: Informer<Pod>
}

/** Not started yet. */
export function quarantineCaches({
  client,
  clock,
  log,
}: Pick<OperatorContext, 'client' | 'clock' | 'log'>): QuarantineCaches {
  const common = { client, clock, log }
  return {
    quarantines: new Informer<Quarantine>({ ...common, type: quarantines, transform: withoutManagedFields }),
    pods: new Informer<Pod>({ ...common, type: pods, labelSelector: quarantineLabel, transform: withoutManagedFields }),
  }
}
