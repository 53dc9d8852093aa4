import type { Flag, FlagValues } from './flag-syntax.ts'
import { bindAddress, boolean, duration, type FlagKind, float, integer, oneOf, text } from './go-values.ts'

const flag = <Value>(
  kind: FlagKind<Value>,
  value: Value,
  help: string,
  rest: Pick<Flag<Value>, 'problem' | 'noEffect'> = {}
): Flag<Value> => ({ kind, default: value, help, ...rest })

const atLeast = (least: number) => ({
  problem: (value: number) => (value < least ? `must be at least ${least}` : undefined),
})
/** What the API server demands of a name that becomes a label value or a namespace. */
const labelSized = {
  problem: (value: string) =>
    value === '' || /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value)
      ? undefined
      : 'must be a name of lower-case letters, digits and dashes',
}
const noEffect = (why: string) => ({ noEffect: why })

/**
 * Every flag of the operator: parsing, --help and docs/kubernetes/operator.md come from here. Names and defaults are those of the API's own
 * controller, so that its manifests and the tools that rewrite them work; what is ours is in a group of its own.
 */
export const flagGroups = {
  'What runs': {
    extensions: flag(
      boolean,
      false,
      'Serve SandboxTemplate, SandboxClaim and SandboxWarmPool, too; without it only Sandbox.'
    ),
    'sandbox-concurrent-workers': flag(integer, 100, 'Sandboxes worked on at once.', atLeast(1)),
    'sandbox-claim-concurrent-workers': flag(integer, 50, 'SandboxClaims worked on at once.', atLeast(1)),
    'sandbox-warm-pool-concurrent-workers': flag(integer, 1, 'SandboxWarmPools worked on at once.', atLeast(1)),
    'sandbox-template-concurrent-workers': flag(integer, 1, 'SandboxTemplates worked on at once.', atLeast(1)),
    version: flag(boolean, false, 'Print the version and end.'),
  },
  Sandboxes: {
    'cluster-domain': flag(text, 'cluster.local', 'The cluster’s DNS domain, for status.serviceFQDN.'),
    'sandbox-write-behind-window': flag(
      duration,
      0,
      'How long a Sandbox’s status that is not final may wait for what comes next.',
      atLeast(0)
    ),
  },
  'Warm pools': {
    'sandbox-warm-pool-max-batch-size': flag(integer, 300, 'Sandboxes a pass creates at most.', atLeast(1)),
    'sandbox-warm-pool-replenish-delay': flag(
      duration,
      0,
      'How long a pool waits before it refills a place.',
      atLeast(0)
    ),
    'sandbox-warm-pool-max-refill-rate': flag(
      float,
      0,
      'Sandboxes a second that one pool creates at most; 0: no limit.',
      atLeast(0)
    ),
    'sandbox-warm-pool-readiness-grace-period': flag(
      duration,
      300_000,
      'After this, a member that is not Ready is replaced.',
      atLeast(0)
    ),
    'sandbox-warm-pool-unschedulable-recheck-interval': flag(
      duration,
      60_000,
      'How often a member whose Pod finds no node is looked at again.',
      atLeast(0)
    ),
    'enable-warm-pool-eviction': flag(
      boolean,
      true,
      'Let the cluster autoscaler evict members: puts the annotation safe-to-evict on their Pods.'
    ),
  },
  Claims: {
    'disable-claim-events': flag(boolean, false, 'Record no Events about SandboxClaims.'),
    'disable-claim-observability-annotations': flag(
      boolean,
      false,
      'Do not write controller-first-observed-at and claim-first-ready-at on SandboxClaims.'
    ),
  },
  'Ours alone': {
    isolation: flag(
      boolean,
      false,
      'Keep IsolationPolicies: compile them into admission policies of the API server, and keep these as they must be.'
    ),
    'default-runtime-class': flag(text, '', 'RuntimeClass for Pods that name none; empty: they are left as they are.'),
    witness: flag(
      boolean,
      false,
      'Note in each Sandbox’s status.kernel what the witness on its node sees; needs the kind NodeWitness.'
    ),
    'router-namespace': flag(
      text,
      'agent-sandbox-system',
      'Where routers run: the namespace that the default NetworkPolicy of a template lets in.',
      labelSized
    ),
  },
  'API server': {
    kubeconfig: flag(
      text,
      '',
      'A kubeconfig; empty: the Pod’s service account, or outside of a cluster what kubectl would use.'
    ),
    'kube-api-qps': flag(float, -1, 'Requests a second; negative: no limit.', {
      problem: (value) => (value === 0 ? 'must be above 0, or negative for no limit' : undefined),
    }),
    'kube-api-burst': flag(integer, 10, 'Requests at once after a rest, with kube-api-qps.', atLeast(1)),
    'api-connections': flag(
      integer,
      1,
      'Here each allows 32 requests at once: they are HTTP/1.1, one a connection.',
      atLeast(1)
    ),
    'separate-watch-connection': flag(
      boolean,
      false,
      'Keep watches off the connections of requests.',
      noEffect('every watch always has a connection of its own')
    ),
    'cache-label-selectors': flag(
      boolean,
      false,
      'Cache only Pods and Services that belong to a Sandbox.',
      noEffect('no others are ever cached')
    ),
  },
  'Leader election': {
    'leader-elect': flag(boolean, true, 'Wait to be elected before anything is written.'),
    'leader-election-namespace': flag(text, '', 'Where the Lease is; empty: the namespace this runs in.', labelSized),
  },
  'Metrics, probes, profiles': {
    'metrics-bind-address': flag(bindAddress, { host: undefined, port: 8080 }, 'Serves /metrics; 0: not at all.'),
    'health-probe-bind-address': flag(
      bindAddress,
      { host: undefined, port: 8081 },
      'Serves /healthz and /readyz; 0: not at all.'
    ),
    'enable-tracing': flag(boolean, false, 'Send spans by OTLP over HTTP, as the variables OTEL_EXPORTER_OTLP_* say.'),
    'enable-pprof': flag(
      boolean,
      false,
      'Serve CPU profiles at /debug/pprof/profile?seconds=30 beside /metrics, in V8’s format (.cpuprofile).'
    ),
    'enable-pprof-debug': flag(
      boolean,
      false,
      'Serve sampled heap profiles at /debug/pprof/heap?seconds=30, too, in V8’s format (.heapprofile).'
    ),
    'pprof-block-profile-rate': flag(
      integer,
      0,
      'Sampling of blocked goroutines.',
      noEffect('there are no goroutines')
    ),
    'pprof-mutex-profile-fraction': flag(
      integer,
      0,
      'Sampling of contended mutexes.',
      noEffect('there are no mutexes')
    ),
  },
  Log: {
    'zap-log-level': flag(
      text,
      '',
      'debug, info, warn, error, panic, or a whole number above 0 for debug; empty: info (debug with zap-devel).',
      {
        problem: (value) =>
          /^(|debug|info|warn|error|panic|[1-9]\d*)$/.test(value)
            ? undefined
            : 'must be debug, info, warn, error, panic or a whole number above 0',
      }
    ),
    'zap-devel': flag(boolean, false, 'Log at level debug unless zap-log-level says otherwise.'),
    'zap-time-encoding': flag(
      oneOf('rfc3339', 'rfc3339nano', 'iso8601', 'epoch', 'millis', 'nano'),
      'rfc3339',
      'How times are written: epoch in seconds, millis and nano as numbers of those; the rest as RFC 3339 in milliseconds.'
    ),
    'zap-encoder': flag(
      oneOf('json', 'console'),
      'json',
      'How log lines are written.',
      noEffect('they are JSON, for programs to read')
    ),
    'zap-stacktrace-level': flag(
      text,
      '',
      'From which level on stack traces are written.',
      noEffect('an error always comes with its own')
    ),
  },
  'Of older versions': {
    'enable-webhook': flag(
      boolean,
      true,
      'Serve conversion webhooks.',
      noEffect('one version is served: nothing is converted')
    ),
    'manage-webhook-certs': flag(boolean, true, 'Keep the webhooks’ certificates.', noEffect('there are no webhooks')),
  },
} as const

/** Flags of older versions that begin so are accepted, and have no effect. */
export const ignoredPrefixes = ['webhook-'] as const

type Merged<Union> = (Union extends unknown ? (union: Union) => void : never) extends (all: infer All) => void
  ? All
  : never
export type OperatorFlagTable = Merged<(typeof flagGroups)[keyof typeof flagGroups]>
export type OperatorFlags = FlagValues<OperatorFlagTable>

export const operatorFlags: OperatorFlagTable = Object.assign({}, ...Object.values(flagGroups))
