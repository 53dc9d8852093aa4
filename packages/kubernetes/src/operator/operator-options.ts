import type { TokenBucketOptions } from '../controller/index.ts'
import type { BindAddress } from './flags/go-values.ts'
import type { OperatorFlags } from './flags/operator-flags.ts'
import type { OperatorSettings } from './operator-context.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal'

/** What the flags ask for, in the operator's own words. Durations in ms; what is absent is off, or found out at the start. */
export interface OperatorOptions {
  readonly extensions: boolean
  readonly isolation: boolean
  /** Whether witnesses are listened to. */
  readonly witness: boolean
  readonly kubeconfig?: string
  readonly rate: TokenBucketOptions
  /** Requests under way at once. */
  readonly inFlight: number
  readonly leaderElect: boolean
  readonly leaderElectionNamespace?: string
  readonly metricsAddress?: BindAddress
  readonly healthAddress?: BindAddress
  readonly tracing: boolean
  readonly profiles: { readonly cpu: boolean; readonly heap: boolean }
  readonly log: { readonly level: LogLevel; readonly time: 'text' | 's' | 'ms' | 'ns' }
  readonly settings: Omit<OperatorSettings, 'namespace'>
}

/** Calls that one HTTP/1.1 connection pool of Go's one HTTP/2 connection would carry. */
const callsPerConnection = 32

export function optionsFrom(flags: OperatorFlags): OperatorOptions {
  const metricsAddress = flags['metrics-bind-address']
  const healthAddress = flags['health-probe-bind-address']
  return Object.freeze({
    extensions: flags.extensions,
    isolation: flags.isolation,
    witness: flags.witness,
    ...(flags.kubeconfig && { kubeconfig: flags.kubeconfig }),
    rate: { perSecond: flags['kube-api-qps'], burst: flags['kube-api-burst'] },
    inFlight: flags['api-connections'] * callsPerConnection,
    leaderElect: flags['leader-elect'],
    ...(flags['leader-election-namespace'] && { leaderElectionNamespace: flags['leader-election-namespace'] }),
    ...(metricsAddress !== 'none' && { metricsAddress }),
    ...(healthAddress !== 'none' && { healthAddress }),
    tracing: flags['enable-tracing'],
    profiles: { cpu: flags['enable-pprof'] || flags['enable-pprof-debug'], heap: flags['enable-pprof-debug'] },
    log: { level: logLevel(flags), time: timeForms[flags['zap-time-encoding']] },
    settings: settingsFrom(flags),
  })
}

const settingsFrom = (flags: OperatorFlags): OperatorOptions['settings'] =>
  Object.freeze({
    clusterDomain: flags['cluster-domain'],
    sandboxWorkers: flags['sandbox-concurrent-workers'],
    claimWorkers: flags['sandbox-claim-concurrent-workers'],
    warmPoolWorkers: flags['sandbox-warm-pool-concurrent-workers'],
    templateWorkers: flags['sandbox-template-concurrent-workers'],
    warmPoolMaxBatchSize: flags['sandbox-warm-pool-max-batch-size'],
    warmPoolReplenishDelayMs: flags['sandbox-warm-pool-replenish-delay'],
    warmPoolMaxRefillRate: flags['sandbox-warm-pool-max-refill-rate'],
    warmPoolReadinessGracePeriodMs: flags['sandbox-warm-pool-readiness-grace-period'],
    warmPoolUnschedulableRecheckIntervalMs: flags['sandbox-warm-pool-unschedulable-recheck-interval'],
    enableWarmPoolEviction: flags['enable-warm-pool-eviction'],
    sandboxWriteBehindWindowMs: flags['sandbox-write-behind-window'],
    disableClaimEvents: flags['disable-claim-events'],
    disableClaimObservabilityAnnotations: flags['disable-claim-observability-annotations'],
    ...(flags['default-runtime-class'] && { defaultRuntimeClass: flags['default-runtime-class'] }),
    routerNamespace: flags['router-namespace'],
  })

const timeForms = {
  rfc3339: 'text',
  rfc3339nano: 'text',
  iso8601: 'text',
  epoch: 's',
  millis: 'ms',
  nano: 'ns',
} as const satisfies Record<OperatorFlags['zap-time-encoding'], OperatorOptions['log']['time']>

const levels: Readonly<Record<string, LogLevel>> = {
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  panic: 'fatal',
}

/** Zap counts verbosity upwards; here there is nothing beyond debug. */
function logLevel(flags: OperatorFlags): LogLevel {
  const given = flags['zap-log-level']
  if (given === '') return flags['zap-devel'] ? 'debug' : 'info'
  return levels[given] ?? 'debug'
}
