import { type ClusterAccess, type Logger, openApiClient, systemClock } from '../controller/index.ts'
import { agentPort, type TemplateSettings } from './build-template.ts'
import { ClaimWriter } from './claim-writer.ts'
import { ClusterView } from './cluster-view.ts'
import { Creation } from './creation.ts'
import { guard } from './guard.ts'
import { type Dial, GuestLinks } from './guest-links.ts'
import type { ImageNames } from './image-reference.ts'
import { KubernetesBackend } from './kubernetes-backend.ts'
import { PodImages } from './pod-images.ts'
import { PodTemplates } from './pod-templates.ts'
import { settler } from './settler.ts'
import { TokenMint } from './signed-token.ts'
import { signingKey } from './signing-key.ts'

export interface KubernetesBackendOptions {
  readonly access: ClusterAccess
  /** Where sandboxes are: theirs alone, for whoever can write to claims or Pods there can take sandboxes over. */
  readonly namespace: string
  /** Where the Secret with the server's key is: another one. */
  readonly keyNamespace: string
  /** The image with the guest agent, as nodes can pull it. */
  readonly agentImage: string
  /** NetworkPolicy peers that may reach sandboxes: this server. */
  readonly from: TemplateSettings['from']
  /** Sandboxes made in advance for each template. Default 0. */
  readonly poolSize?: number
  readonly images: ImageNames
  /** How long a sandbox may take to start: an image may have to be pulled. Default 5 minutes. */
  readonly createTimeoutMs?: number
  /** How long the end of one may take. Default 60 s. */
  readonly endTimeoutMs?: number
  /** How long a sandbox that has ended is still known. Default one hour, as on one machine. */
  readonly keepEndedMs?: number
  readonly dial?: Dial
  readonly log: Logger
}

const defaults = { createTimeoutMs: 300_000, endTimeoutMs: 60_000, keepEndedMs: 3_600_000 } as const

/** Resolves when all that is known of the cluster is known here. Disposing lets go of the sandboxes without ending one. */
export function openKubernetesBackend(
  options: KubernetesBackendOptions,
  signal: AbortSignal
): Promise<KubernetesBackend> {
  return guard('open the cluster', () => open(options, signal), signal)
}

async function open(options: KubernetesBackendOptions, signal: AbortSignal): Promise<KubernetesBackend> {
  const { access, namespace, keyNamespace, agentImage, from, images, dial, log } = options
  const { poolSize = 0, ...rest } = options
  const { createTimeoutMs, endTimeoutMs, keepEndedMs } = { ...defaults, ...defined(rest) }
  const clock = systemClock
  const wall = () => clock.wall()
  await using undo = new AsyncDisposableStack()
  const { client } = undo.use(
    openApiClient({ access, clock, userAgent: 'bulkhead-server', defaults: { fieldManager: 'bulkhead-server' } })
  )
  const mint = new TokenMint(await signingKey(client, keyNamespace, signal), wall)
  const view = undo.use(new ClusterView({ client, namespace, clock, log }))
  await view.open(signal)
  const links = undo.use(new GuestLinks(agentPort, dial))
  const claims = new ClaimWriter(client, view, namespace)
  const settings = { namespace, agentImage, publicKey: mint.publicKey, from, poolSize }
  const templates = new PodTemplates(client, settings)
  const making = { namespace, view, claims, templates, links, mint, images, createTimeoutMs, wall, log }
  const creation = new Creation(making)
  const stopping = new AbortController()
  const settling = settler({ namespace, client, view, claims, links, keepEndedMs, clock, log }).run(stopping.signal)
  undo.defer(async () => {
    stopping.abort(new Error('the server ends'))
    await settling
  })
  const parts = undo.move()
  return new KubernetesBackend({
    client,
    view,
    claims,
    creation,
    links,
    mint,
    images: (remove) => new PodImages({ view, templates, creation, names: images, remove, wall }),
    endTimeoutMs,
    wall,
    log,
    stop: () => parts.disposeAsync(),
  })
}

type Timing = Pick<KubernetesBackendOptions, 'createTimeoutMs' | 'endTimeoutMs' | 'keepEndedMs'>

const defined = ({ createTimeoutMs, endTimeoutMs, keepEndedMs }: Timing): Partial<typeof defaults> =>
  Object.fromEntries(
    Object.entries({ createTimeoutMs, endTimeoutMs, keepEndedMs }).filter(([, value]) => value !== undefined)
  )
