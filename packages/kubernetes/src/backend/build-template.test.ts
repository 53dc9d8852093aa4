import { CreateSandbox } from '@bulkhead/wire'
import { expect, it } from 'vitest'
import { buildClaim, newRecord } from './build-claim.ts'
import { buildPool, buildTemplate, fingerprintOf } from './build-template.ts'
import type { Placement } from './placement.ts'
import { shapeOf } from './shape.ts'

const MiB = 1024 * 1024
const settings = {
  namespace: 'ns',
  agentImage: 'agent:1',
  publicKey: 'k',
  from: [{ ipBlock: { cidr: '10.0.0.0/8' } }],
  poolSize: 2,
}
const placement: Placement = { runtime: 'gvisor', isolation: 'userspace', runtimeClass: 'gv' }
const wanted = { memoryBytes: 100 * MiB, cpus: 2, diskBytes: 200 * MiB }
const shape = shapeOf(wanted, placement, 'debian', fingerprintOf(settings))
const template = buildTemplate(shape, settings)
const { spec } = template.spec.podTemplate

it('gives each difference a template of its own, and differences that nobody sees none', () => {
  const name = (more: object, at = placement, image = 'debian', other = settings) =>
    shapeOf({ ...wanted, ...more }, at, image, fingerprintOf(other)).name
  const others = [
    name({ memoryBytes: 101 * MiB }),
    name({ cpus: 1 }),
    name({ diskBytes: 201 * MiB }),
    name({}, { ...placement, runtimeClass: 'other' }),
    name({}, placement, 'debian:12'),
    name({}, placement, 'debian', { ...settings, publicKey: 'other' }),
    name({}, placement, 'debian', { ...settings, agentImage: 'agent:2' }),
    name({}, placement, 'debian', { ...settings, from: [] }),
  ]
  expect(new Set([shape.name, ...others]).size).toBe(others.length + 1)
  expect(name({ memoryBytes: 100 * MiB - 1 })).toBe(shape.name)
  expect(name({}, placement, 'debian', { ...settings, poolSize: 7 })).toBe(shape.name)
})

it('has a RuntimeClass, and nothing that a root attacker in the guest could use elsewhere', () => {
  expect(spec).toMatchObject({
    runtimeClassName: 'gv',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    restartPolicy: 'Never',
  })
  expect(JSON.stringify(spec)).not.toMatch(/secret|hostPath|privileged|hostNetwork/i)
  expect(spec.volumes).toEqual([{ name: 'bulkhead-agent', emptyDir: { sizeLimit: '64Mi' } }])
  expect(spec.containers[0]?.volumeMounts).toEqual([
    { name: 'bulkhead-agent', mountPath: '/.bulkhead', readOnly: true },
  ])
})

it('lets the server in, to the agent alone, and nothing out', () => {
  expect(template.spec.networkPolicy).toEqual({
    ingress: [{ from: settings.from, ports: [{ protocol: 'TCP', port: 49_983 }] }],
    egress: [],
  })
  expect(buildTemplate(shape, { ...settings, from: [] }).spec.networkPolicy).toEqual({ ingress: [], egress: [] })
})

it('limits what was asked for', () => {
  expect(spec.containers[0]?.resources?.limits).toEqual({
    cpu: '2',
    memory: String(100 * MiB),
    'ephemeral-storage': String(200 * MiB),
  })
  expect(buildPool(shape, settings).spec).toEqual({ replicas: 2, sandboxTemplateRef: { name: shape.name } })
})

it('refuses what an object of the cluster cannot hold', () => {
  const claim = (value: string) => {
    const request = CreateSandbox.parse({
      metadata: Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`k${at}`, value])),
    })
    return buildClaim('sb-a', 'ns', shape, newRecord(shape, request, 0), 1000)
  }
  expect(claim('x'.repeat(3000)).spec.lifecycle).toEqual({
    shutdownTime: '1970-01-01T00:00:01.000Z',
    shutdownPolicy: 'Delete',
  })
  expect(() => claim('x'.repeat(4096))).toThrow(expect.objectContaining({ code: 'invalid_request' }))
})
