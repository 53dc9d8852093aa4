import { describe, expect, it } from 'vitest'
import { sandboxes } from '../api/index.ts'
import { controllerReference } from '../controller/index.ts'
import { buildService, serviceDrift, servicePorts } from './build-service.ts'
import { ofSandbox, storedSandbox, storedService } from './testing/stored-sandbox.ts'

const hash = { 'agents.x-k8s.io/sandbox-name-hash': '374de8f5' }
const narrowed = { ...hash, 'bulkhead.dev/sandbox-uid': 'sandbox-uid' }
const port = (name: string, number: number, protocol = 'TCP') => ({
  name,
  port: number,
  protocol,
  targetPort: number,
})

describe('the ports of a Service', () => {
  it('are those of containers and sidecars: each once, sorted, with the first name somebody chose', () => {
    const spec = {
      containers: [
        { name: 'a', ports: [{ containerPort: 9000 }, { containerPort: 80 }, { containerPort: 53, protocol: 'UDP' }] },
        {
          name: 'b',
          ports: [{ containerPort: 80, name: 'http' }, { containerPort: 80, name: 'web' }, { containerPort: 53 }],
        },
      ],
      initContainers: [
        { name: 'setup', ports: [{ containerPort: 1 }] },
        { name: 'sidecar', restartPolicy: 'Always', ports: [{ containerPort: 15000, protocol: 'SCTP' }] },
      ],
    }
    expect(servicePorts(spec)).toEqual([
      port('p-53-tcp', 53),
      port('p-53-udp', 53, 'UDP'),
      port('http', 80),
      port('p-9000-tcp', 9000),
      port('p-15000-sctp', 15000, 'SCTP'),
    ])
  })

  it('have names of their own', () => {
    const ports = [
      { containerPort: 1, name: 'http' },
      { containerPort: 2, name: 'http' },
      { containerPort: 3, name: 'http' },
      { containerPort: 80 },
      { containerPort: 90, name: 'p-80-tcp' },
    ]
    const names = servicePorts({ containers: [{ name: 'a', ports }] }).map(({ name }) => name)
    expect(names).toEqual(['http', 'http-2', 'http-3', 'p-80-tcp-2', 'p-80-tcp'])
  })

  it('may be none', () => {
    expect(servicePorts({ containers: [{ name: 'a' }] })).toEqual([])
  })
})

const podTemplate = { spec: { containers: [{ name: 'main', ports: [{ containerPort: 80 }] }] } }
const sandbox = storedSandbox({ spec: { podTemplate, service: true } })
const keeper = storedSandbox({ spec: { podTemplate } })

it('is headless, named like the Sandbox, and selects by the hash of its name', () => {
  expect(buildService(sandbox, false)).toEqual({
    metadata: {
      namespace: 'ns',
      name: 'my-sandbox',
      labels: hash,
      ownerReferences: [controllerReference(sandboxes, sandbox)],
    },
    spec: { clusterIP: 'None', selector: hash, ports: [port('p-80-tcp', 80)] },
  })
  expect(buildService(sandbox, true).spec?.selector).toEqual(narrowed)
})

describe('a live Service', () => {
  const labelled = { ...ofSandbox, labels: { ...hash, theirs: '1' } }
  const ports = [port('p-80-tcp', 80)]
  it.each([
    ['in line', sandbox, { selector: hash, ports }, labelled, false, undefined],
    [
      'with more said about a port',
      sandbox,
      { selector: hash, ports: [{ ...ports[0], appProtocol: 'h2c', port: 80 }] },
      labelled,
      false,
      undefined,
    ],
    ['without the label', sandbox, { selector: hash, ports }, ofSandbox, false, { metadata: { labels: hash } }],
    [
      'that selects more',
      sandbox,
      { selector: { ...hash, x: 'y' }, ports },
      labelled,
      false,
      { spec: { selector: { x: null } } },
    ],
    ['that selects less', sandbox, { ports }, labelled, false, { spec: { selector: hash } }],
    [
      'with other ports',
      sandbox,
      { selector: hash, ports: [port('p-81-tcp', 81)] },
      labelled,
      false,
      { spec: { ports } },
    ],
    [
      'with other ports, only kept',
      keeper,
      { selector: hash, ports: [port('p-81-tcp', 81)] },
      labelled,
      false,
      undefined,
    ],
    [
      'to be narrowed',
      sandbox,
      { selector: hash, ports },
      labelled,
      true,
      { spec: { selector: { 'bulkhead.dev/sandbox-uid': 'sandbox-uid' } } },
    ],
    ['narrowed', sandbox, { selector: narrowed, ports }, labelled, true, undefined],
  ])('%s', (_, wanted, spec, metadata, guarded, expected) => {
    expect(serviceDrift(storedService(spec, metadata), wanted, guarded)).toEqual(expected)
  })
})
