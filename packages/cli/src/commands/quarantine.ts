import { type Quarantine, quarantines, sandboxes } from '@bulkhead/kubernetes/api'
import { kubeconfigAccess, openApiClient, systemClock, toFailure } from '@bulkhead/kubernetes/controller'
import { failure } from '@bulkhead/wire/errors'
import { ExitCode } from '../exit-code.ts'
import { abortOnInterruption } from '../interruption.ts'
import { printable } from '../output/printable.ts'
import { data, json } from '../output/streams.ts'

export interface QuarantineOptions {
  readonly kubeconfig?: string
  readonly context?: string
  readonly namespace?: string
  readonly reason?: string
  readonly retention?: string
  readonly json?: boolean
}

/** Longest silence of the API server. */
const timeoutMs = 15_000
/** Characters that the API server appends to a name, which has 63 at most when it is to be a label. */
const longestPrefix = 50
const longestReason = 1024

/** `bulkhead quarantine`: asks the operator for it; `kubectl get quarantines` shows how far it is. */
export async function quarantine([name = '']: string[], options: QuarantineOptions): Promise<number> {
  const wanted = quarantineSpec(options)
  using interruption = abortOnInterruption()
  const { kubeconfig: file, context } = options
  const clock = systemClock
  const access = await kubeconfigAccess({ clock, ...(file && { file }), ...(context && { context }) })
  await using opened = openApiClient({ access, clock, defaults: { fieldManager: 'bulkhead' } })
  const { client } = opened
  const signal = AbortSignal.any([interruption.signal, AbortSignal.timeout(timeoutMs)])
  const namespace = options.namespace ?? access.namespace
  try {
    // By uid: what has the name a moment later may be the clean one.
    const { uid } = (await client.get(sandboxes, { namespace, name }, { signal })).metadata
    const made = await client.create(
      quarantines,
      {
        metadata: { namespace, generateName: `${name.slice(0, longestPrefix)}-` },
        spec: { sandboxRef: { name, uid }, ...wanted },
      } as Quarantine,
      { signal }
    )
    if (options.json) json(made)
    else data(`${printable(made.metadata.name)}\n`)
    return ExitCode.success
  } catch (error) {
    interruption.signal.throwIfAborted()
    throw toFailure(error) ?? error
  }
}

/** Fails `invalid_request`. */
export function quarantineSpec({
  reason,
  retention,
}: QuarantineOptions): Pick<Quarantine['spec'], 'reason' | 'retention'> {
  if (retention !== undefined && !/^(\d{1,5}[hms])+$/.test(retention)) {
    const problem = `${JSON.stringify(retention)} is not a duration like 90s, 1h or 0s`
    throw failure('invalid_request', { field: '--retention', problem })
  }
  if (reason !== undefined && reason.length > longestReason)
    throw failure('invalid_request', { field: '--reason', problem: `is longer than ${longestReason} characters` })
  return { ...(reason !== undefined && { reason }), ...(retention !== undefined && { retention }) }
}
