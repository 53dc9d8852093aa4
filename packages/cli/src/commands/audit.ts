import { writeFile } from 'node:fs/promises'
import {
  type AuditReport,
  audit as auditFacts,
  collectFacts,
  htmlPage,
  type KernelClass,
  kernelClasses,
  sarif,
} from '@bulkhead/kubernetes/audit'
import { kubeconfigAccess, openApiClient, systemClock, toFailure } from '@bulkhead/kubernetes/controller'
import { failure } from '@bulkhead/wire/errors'
import { ExitCode } from '../exit-code.ts'
import { abortOnInterruption } from '../interruption.ts'
import { renderAudit } from '../output/audit.ts'
import { data, json, talk } from '../output/streams.ts'
import { packageVersion } from '../package-version.ts'

export interface AuditCommandOptions {
  readonly kubeconfig?: string
  readonly context?: string
  /** `NAME=CLASS`. */
  readonly handler?: readonly string[]
  readonly trust?: readonly string[]
  readonly changes?: string
  readonly maxBlastRadius?: string
  readonly html?: string
  readonly sarif?: string
  readonly json?: boolean
}

/** Namespaces of the machinery that Kubernetes brings itself. */
const ownNamespaces = ['kube-system', 'kube-node-lease', 'kube-public']

/** `bulkhead audit`: reads a cluster, changes nothing. Exit code `violated` when more falls with a kernel than `--max-blast-radius` allows. */
export async function audit(_args: string[], options: AuditCommandOptions): Promise<number> {
  using interruption = abortOnInterruption()
  const { signal } = interruption
  const limit = options.maxBlastRadius === undefined ? undefined : count('--max-blast-radius', options.maxBlastRadius)
  const settings = {
    trustedNamespaces: new Set([...ownNamespaces, ...(options.trust ?? [])]),
    overrides: new Map((options.handler ?? []).map(handlerClass)),
    changes: count('--changes', options.changes ?? '5'),
  }
  const clock = systemClock
  const { kubeconfig: file, context } = options
  const access = await kubeconfigAccess({ clock, ...(file && { file }), ...(context && { context }) })
  await using opened = openApiClient({ access, clock })
  let report: AuditReport
  try {
    report = auditFacts(await collectFacts(opened.client, signal), settings)
  } catch (error) {
    signal.throwIfAborted()
    throw toFailure(error) ?? error
  }
  if (options.html) {
    const about = { cluster: access.server.host, at: new Date(clock.wall()).toISOString() }
    await writeFile(options.html, htmlPage(report, about))
  }
  if (options.sarif) await writeFile(options.sarif, JSON.stringify(sarif(report, { version: packageVersion() })))
  if (options.json) json(report)
  else data(renderAudit(report, { terminal: process.stdout.isTTY }))
  if (limit === undefined || report.maxBlastRadius <= limit) return ExitCode.success
  talk(`bulkhead: ${report.maxBlastRadius} pods fall with one kernel; at most ${limit} are allowed`)
  return ExitCode.violated
}

function count(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw failure('invalid_request', { field: option, problem: `${JSON.stringify(text)} is no number` })
  return Number(text)
}

function handlerClass(text: string): [string, KernelClass] {
  const [, handler, kernel] = /^([^=]+)=(.+)$/.exec(text) ?? []
  const known = kernelClasses.find((one) => one === kernel)
  if (handler && known) return [handler, known]
  throw failure('invalid_request', {
    field: '--handler',
    problem: `${JSON.stringify(text)} is not NAME=CLASS with a class of ${kernelClasses.join(', ')}`,
  })
}
