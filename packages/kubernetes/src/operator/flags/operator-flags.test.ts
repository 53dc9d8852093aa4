import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { optionsFrom } from '../operator-options.ts'
import { flagHelp, flagTables } from './flag-help.ts'
import { parseFlags } from './flag-syntax.ts'
import { flagGroups, ignoredPrefixes, operatorFlags } from './operator-flags.ts'

const docs = readFileSync(path.join(import.meta.dirname, '../../../../../docs/kubernetes/operator.md'), 'utf8')
const options = (...args: string[]) => optionsFrom(parseFlags(operatorFlags, args, ignoredPrefixes))

/** Of the API's own controller: its manifests, and the tools that rewrite them, set these. */
const published: Readonly<Record<string, string>> = {
  extensions: 'false',
  'leader-elect': 'true',
  'leader-election-namespace': '',
  'metrics-bind-address': ':8080',
  'health-probe-bind-address': ':8081',
  'cluster-domain': 'cluster.local',
  'kube-api-qps': '-1',
  'kube-api-burst': '10',
  'api-connections': '1',
  'separate-watch-connection': 'false',
  'cache-label-selectors': 'false',
  'sandbox-concurrent-workers': '100',
  'sandbox-claim-concurrent-workers': '50',
  'sandbox-warm-pool-concurrent-workers': '1',
  'sandbox-template-concurrent-workers': '1',
  'sandbox-warm-pool-max-batch-size': '300',
  'sandbox-warm-pool-replenish-delay': '0s',
  'sandbox-warm-pool-max-refill-rate': '0',
  'sandbox-warm-pool-readiness-grace-period': '5m',
  'sandbox-warm-pool-unschedulable-recheck-interval': '1m',
  'enable-warm-pool-eviction': 'true',
  'sandbox-write-behind-window': '0s',
  'disable-claim-events': 'false',
  'disable-claim-observability-annotations': 'false',
  'enable-tracing': 'false',
  'enable-pprof': 'false',
  'enable-pprof-debug': 'false',
  'pprof-block-profile-rate': '0',
  'pprof-mutex-profile-fraction': '0',
  version: 'false',
  kubeconfig: '',
  'enable-webhook': 'true',
  'manage-webhook-certs': 'true',
}

describe('the operator’s flags', () => {
  it.each(Object.entries(published))('has --%s, default %j', (name, value) => {
    const flag = (operatorFlags as Record<string, { kind: { format(value: unknown): string }; default: unknown }>)[name]
    expect(flag?.kind.format(flag.default)).toBe(value)
  })
  it('are documented as they are', () => {
    expect(docs).toContain(flagTables(flagGroups))
  })
  it('are all in the help', () => {
    const help = flagHelp('operator', flagGroups)
    for (const name of Object.keys(operatorFlags)) expect(help).toContain(`  --${name} `)
  })
})

describe('optionsFrom', () => {
  it('turns servers off, limits off, and levels into ours', () => {
    expect(options('--metrics-bind-address=0')).not.toHaveProperty('metricsAddress')
    expect(options('--health-probe-bind-address=127.0.0.1:1').healthAddress).toEqual({ host: '127.0.0.1', port: 1 })
    expect(options().rate.perSecond).toBe(-1)
    expect(options('--api-connections=2').inFlight).toBe(64)
    expect(options().settings).not.toHaveProperty('defaultRuntimeClass')
    expect(options('--default-runtime-class=gvisor').settings.defaultRuntimeClass).toBe('gvisor')
    expect(options('--enable-pprof').profiles).toEqual({ cpu: true, heap: false })
  })
  it.each<[string[], string]>([
    [[], 'info'],
    [['--zap-devel'], 'debug'],
    [['--zap-devel', '--zap-log-level=error'], 'error'],
    [['--zap-log-level=5'], 'debug'],
    [['--zap-log-level=panic'], 'fatal'],
  ])('logs with %j at %s', (args, level) => {
    expect(options(...args).log.level).toBe(level)
  })
  it.each([
    ['--zap-log-level=loud'],
    ['--sandbox-concurrent-workers=0'],
    ['--kube-api-qps=0'],
    ['--router-namespace=A'],
  ])('refuses %s', (arg) => {
    expect(() => options(arg)).toThrow(arg.split('=')[0])
  })
})
