import { counted } from './counted.ts'
import type { AuditReport, KernelReport } from './report.ts'
import { showable } from './showable.ts'

const schema = 'https://json.schemastore.org/sarif-2.1.0.json'

const rules = [
  {
    id: 'exposed-kernel',
    name: 'ExposedKernel',
    shortDescription: { text: 'Suspect code can attack the kernel of a node' },
    help: { text: 'Give the workloads that run on it a RuntimeClass with a kernel of its own.' },
  },
  {
    id: 'way-around',
    name: 'WayAround',
    shortDescription: { text: 'A pod has a kernel of its own, and a way around it' },
    help: { text: 'Take away what leads around it: privileged containers, writable folders of the node.' },
  },
  {
    id: 'pretending-runtime-class',
    name: 'PretendingRuntimeClass',
    shortDescription: { text: 'A pod runs on its node’s kernel, although its RuntimeClass promises one of its own' },
    help: { text: 'See what the handler of the RuntimeClass is configured as on that node.' },
  },
  {
    id: 'unknown-handler',
    name: 'UnknownHandler',
    shortDescription: { text: 'A runtime handler is not known to isolate' },
    help: { text: 'Say what it is with --handler NAME=CLASS, or use another.' },
  },
] as const
type RuleId = (typeof rules)[number]['id']
type Level = 'error' | 'warning'

/** The report in the form that code-scanning services read (SARIF 2.1.0). `cluster` tells several clusters' results in one service apart. */
export function sarif(
  report: AuditReport,
  { version, cluster }: { readonly version: string; readonly cluster: string }
): object {
  const missing = report.missing.map(({ what, why, consequence }) => ({
    level: 'warning',
    message: message(`${what} could not be read (${why}): ${consequence}`),
  }))
  return {
    $schema: schema,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'bulkhead audit', semanticVersion: version, rules } },
        // The part before the last slash names the kind of run, what follows it the single run.
        automationDetails: { id: `bulkhead-audit/${encodeURIComponent(cluster.toWellFormed())}/` },
        invocations: [{ executionSuccessful: true, toolExecutionNotifications: missing }],
        results: [
          ...report.kernels.filter(({ exposed }) => exposed).map(exposedKernel),
          ...report.kernels.flatMap(waysAround),
          ...(report.probe?.pretending ?? []).map(({ pod, node, runtimeClass }) =>
            result('pretending-runtime-class', 'error', ['pods', pod], {
              text: `The pod ${pod} runs on the kernel of node ${node}; its RuntimeClass ${runtimeClass} promises one of its own.`,
            })
          ),
          ...report.unknownHandlers.map((handler) =>
            result('unknown-handler', 'warning', ['handlers', handler], {
              text: `The handler ${JSON.stringify(handler)} is counted as shared: nobody here knows it.`,
            })
          ),
        ],
      },
    ],
  }
}

function exposedKernel({ name, radius, pods }: KernelReport): object {
  const attackers = pods.filter(
    ({ kernel, trusted, waysAround: around }) =>
      !trusted && (kernel === 'shared' || kernel === 'unknown' || around.length > 0)
  )
  const worst = radius.tenants.length > 1 || radius.worstPower === 'cluster-admin'
  return result('exposed-kernel', worst ? 'error' : 'warning', ['nodes', name], {
    text: `${counted(radius.pods, 'pod')} of ${counted(radius.tenants.length, 'tenant')} fall with the kernel of node ${name}; ${attackers.length} of them can attack it.`,
    properties: { blastRadius: radius.pods, tenants: radius.tenants, worstPower: radius.worstPower ?? null },
  })
}

const waysAround = ({ pods }: KernelReport): object[] =>
  pods
    .filter(({ waysAround: around, trusted }) => around.length > 0 && !trusted)
    .map(({ namespace, name, waysAround: around }) =>
      result('way-around', 'error', ['pods', `${namespace}/${name}`], {
        text: `The pod ${namespace}/${name} has a kernel of its own and a way around it: ${around.join(', ')}.`,
      })
    )

/** GitHub refuses a whole file for one result without an artifact, and there are no files here: it is given the object's address. */
function result(
  ruleId: RuleId,
  level: Level,
  [kind, name]: readonly [string, string],
  { text, properties }: { readonly text: string; readonly properties?: object }
): object {
  const uri = [kind, ...name.toWellFormed().split('/')].map(encodeURIComponent).join('/')
  return {
    ruleId,
    level,
    message: message(text),
    locations: [
      {
        physicalLocation: { artifactLocation: { uri }, region: { startLine: 1 } },
        logicalLocations: [{ kind: 'resource', fullyQualifiedName: `${kind}/${name}` }],
      },
    ],
    partialFingerprints: { 'object/v1': `${ruleId}/${kind}/${name}` },
    ...(properties && { properties }),
  }
}

/** Brackets make links in the text of a message: names are foreign, and have none to make. */
const message = (text: string) => ({ text: showable(text).replaceAll(/[\\[\]]/g, '\\$&') })
