import type { AuditReport, NodeReport } from './report.ts'

const schema = 'https://json.schemastore.org/sarif-2.1.0.json'

const rules = [
  {
    id: 'exposed-kernel',
    shortDescription: { text: 'Suspect code runs on the kernel of a node' },
    help: { text: 'Give the workloads that run on it a RuntimeClass with a kernel of its own.' },
  },
  {
    id: 'unknown-handler',
    shortDescription: { text: 'A runtime handler is not known to isolate' },
    help: { text: 'Say what it is with --handler NAME=CLASS, or use another.' },
  },
] as const

/** The report in the form that code-scanning services read (SARIF 2.1.0). Its places are objects of the cluster: it has no files. */
export function sarif(report: AuditReport, { version }: { readonly version: string }): object {
  return {
    $schema: schema,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'bulkhead audit', semanticVersion: version, rules } },
        results: [
          ...report.nodes.filter(({ exposed }) => exposed).map(exposedKernel),
          ...report.unknownHandlers.map((handler) => ({
            ruleId: 'unknown-handler',
            level: 'warning',
            message: { text: `The handler ${JSON.stringify(handler)} is counted as shared: nobody here knows it.` },
            locations: [place('runtimeHandler', handler)],
          })),
        ],
      },
    ],
  }
}

const exposedKernel = ({ name, radius, pods }: NodeReport) => ({
  ruleId: 'exposed-kernel',
  level: radius.tenants.length > 1 || radius.worstPower === 'cluster-admin' ? 'error' : 'warning',
  message: {
    text: `${radius.pods} pods of ${radius.tenants.length} tenants fall with the kernel of node ${name}; ${
      pods.filter(({ kernel, trusted }) => !trusted && (kernel === 'shared' || kernel === 'unknown')).length
    } of them can attack it.`,
  },
  locations: [place('node', name)],
  partialFingerprints: { kernel: `node/${name}` },
  properties: { blastRadius: radius.pods, tenants: radius.tenants, worstPower: radius.worstPower ?? null },
})

const place = (kind: string, name: string) => ({ logicalLocations: [{ kind, fullyQualifiedName: `${kind}/${name}` }] })
