import { setTimeout as sleep } from 'node:timers/promises'
import { isolationPolicies } from '../../packages/kubernetes/src/api/index.ts'
import { isForbidden, mergePatch, namespaces, pods } from '../../packages/kubernetes/src/controller/index.ts'
import type { Figure } from '../figure.ts'
import { inTurns, type Summary, timed } from '../stats.ts'
import type { BenchCluster } from './bench-cluster.ts'
import { barePod, gvisorPodSpec } from './objects.ts'

const judged = 'bench-admission'
const free = 'bench-admission-free'
const turns = 500
const withinMs = 30_000

/** Says itself all that the policy asks for. */
const compliant = { ...gvisorPodSpec, securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }
/** Leaves all of it open. */
const { automountServiceAccountToken: _, runtimeClassName: __, ...open } = gvisorPodSpec

/**
 * What an IsolationPolicy adds to the creation of a Pod: in a namespace that it selects against one that it does not, in turns, one at a time. The Pods are
 * not stored (`dryRun`): that takes longer than all of admission, and varies by more.
 */
export async function admission(cluster: BenchCluster): Promise<Figure[]> {
  const { client } = cluster
  await using _judged = await cluster.openNamespace(judged)
  await using _free = await cluster.openNamespace(free)
  await using _operator = await cluster.startOperator('admission')
  await client.patch(namespaces, { name: judged }, mergePatch({ metadata: { labels: { isolation: 'on' } } }))
  await client.create(isolationPolicies, {
    metadata: { name: 'bench' },
    spec: {
      namespaceSelector: { matchLabels: { isolation: 'on' } },
      runtimeClasses: [{ name: 'gvisor', class: 'userspace' }],
      defaultRuntimeClassName: 'gvisor',
      trustLevels: [{ level: 'untrusted', runtimeClassName: 'gvisor' }],
    },
  })
  const create = (namespace: string, spec: typeof gvisorPodSpec) =>
    client.create(pods, barePod(namespace, 'bench', spec), { dryRun: true })
  await until(() => refused(create(judged, { ...compliant, hostPID: true })))
  await until(() => create(judged, open))

  const took = await inTurns(turns, {
    none: () => timed(() => create(free, compliant)),
    judged: () => timed(() => create(judged, compliant)),
    noneOpen: () => timed(() => create(free, open)),
    filledIn: () => timed(() => create(judged, open)),
  })
  await client.delete(isolationPolicies, { name: 'bench' })
  const figure = (what: string, policy: Summary, none: Summary): Figure => ({
    name: `Kubernetes: an IsolationPolicy adds to the creation of a Pod ${what}, p50`,
    value: policy.p50 - none.p50,
    unit: 'ms',
    target: { atMost: 2 },
    detail: `${spread(policy)} against ${spread(none)}`,
  })
  return [
    figure('that complies', took.judged, took.none),
    figure('that leaves everything open', took.filledIn, took.noneOpen),
  ]
}

const spread = ({ p50, p99, n }: Summary): string => `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)}, n=${n}`

/** The API server takes notice of a policy a moment after it is there. Fails as `check` did last. */
async function until(check: () => Promise<unknown>): Promise<void> {
  const deadlineMs = performance.now() + withinMs
  for (;;) {
    try {
      await check()
      return
    } catch (error) {
      if (performance.now() > deadlineMs) throw error
      await sleep(50)
    }
  }
}

/** Fails when the API server creates what it is to refuse. */
async function refused(create: Promise<unknown>): Promise<void> {
  const isRefused = await create.then(() => false, isForbidden)
  if (!isRefused) throw new Error('the policy is not enforced')
}
