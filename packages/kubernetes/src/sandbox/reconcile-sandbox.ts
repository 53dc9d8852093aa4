import { isControlledBy, isNamespaceTerminating, objectKey, type Service, type Stored } from '../controller/index.ts'
import { malformationOfSandbox } from '../malformation/index.ts'
import { expire } from './expiry-step.ts'
import { endsPass, isHiccup, joined, NotOursError, textOf } from './pass-errors.ts'
import { planExpiry } from './plan-expiry.ts'
import { isSuspended, type Observed, type PodState, planStatus, type Surroundings } from './plan-status.ts'
import { ensurePodName } from './pod-name-step.ts'
import { ensurePod } from './pod-step.ts'
import { ownedPods, type SandboxPass } from './sandbox-pass.ts'
import { ensureService } from './service-step.ts'
import { writeStatus } from './status-step.ts'
import { ensureVolumeClaims } from './volume-claims-step.ts'

/** The event of whatever was newer comes before that: this is for when it does not. */
const overtakenRetryMs = 500
/** Nothing can be made any more, and the Sandbox itself will be gone soon. */
const namespaceEndsMs = 5_000
/** So many times in a row a hiccup of the API server is not shown: it is no trouble of the Sandbox's, and would cost it its readiness. */
const hiddenHiccups = 2

/** Brings one Sandbox in line. */
export async function reconcileSandbox(pass: SandboxPass): Promise<void> {
  const { context, sandbox } = pass
  try {
    const expiry = planExpiry(sandbox, context.clock.wall())
    if (expiry.kind === 'expired') return await expire(pass)
    if (expiry.recheckMs !== undefined) pass.lookAgainIn(expiry.recheckMs)
    const wrong = malformationOfSandbox(sandbox)
    await (wrong ? refuse(pass, wrong) : bringInLine(pass))
  } catch (error) {
    if (!endsPass(error)) throw error
    pass.lookAgainIn(isNamespaceTerminating(error) ? namespaceEndsMs : overtakenRetryMs)
  }
}

async function bringInLine(pass: SandboxPass): Promise<void> {
  const { observed, errors } = await ensureAll(pass)
  if (errors.length > 0 && errors.every(isHiccup) && pass.failures < hiddenHiccups) throw joined(errors)
  const sandbox = await ensurePodName(pass, observed.pod)
  await writeStatus(pass, sandbox, planStatus(sandbox, observed, surroundings(pass)))
  if (errors.length > 0) throw joined(errors)
}

/** Volume claims, Pod, Service. One that fails does not keep the others from being there. */
async function ensureAll(pass: SandboxPass): Promise<{ readonly observed: Observed; readonly errors: unknown[] }> {
  const errors: unknown[] = []
  const attempt = async <Result>(step: (pass: SandboxPass) => Promise<Result>, otherwise: Result): Promise<Result> => {
    try {
      return await step(pass)
    } catch (error) {
      if (endsPass(error) || pass.call.signal?.aborted) throw error
      errors.push(error)
      return otherwise
    }
  }
  await attempt(ensureVolumeClaims, undefined)
  const pod = await attempt(ensurePod, knownPod(pass))
  if (pod.kind === 'foreign' && !isSuspended(pass.sandbox)) errors.push(new NotOursError(pod.error))
  // Whose Pod is not certain has no business with clients.
  const service =
    pod.kind === 'several' ? ownService(pass) : await attempt<Stored<Service> | undefined>(ensureService, undefined)
  return { observed: { pod, service, errors: errors.map(textOf) }, errors }
}

/** Says what is wrong with a Sandbox that cannot be read; only a change of it helps, and brings it back. Nothing that is there is touched. */
async function refuse(pass: SandboxPass, wrong: string): Promise<void> {
  const observed: Observed = { pod: knownPod(pass), service: ownService(pass), errors: [wrong] }
  const readable = { ...pass.sandbox, spec: pass.sandbox.spec ?? {} }
  await writeStatus(pass, pass.sandbox, planStatus(readable, observed, surroundings(pass)))
}

/** What the cache tells when nothing more could be found out. */
function knownPod(pass: SandboxPass): PodState {
  const [pod, ...more] = ownedPods(pass)
  return pod && more.length === 0 ? { kind: 'owned', pod } : { kind: 'unknown' }
}

function ownService({ context, sandbox }: SandboxPass): Stored<Service> | undefined {
  const service = context.caches.services.store.get(objectKey(sandbox))
  return service && isControlledBy(service, sandbox) ? service : undefined
}

const surroundings = ({ context }: SandboxPass): Surroundings => ({
  evidence: context.evidence,
  wallMs: context.clock.wall(),
  clusterDomain: context.settings.clusterDomain,
})
