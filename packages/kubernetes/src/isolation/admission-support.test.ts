import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiClient, openApiClient, systemClock } from '../controller/index.ts'
import { ApiServerPeer } from '../controller/testing/api-server-peer.ts'
import { admissionSupport } from './admission-support.ts'

const validating = ['validatingadmissionpolicies', 'validatingadmissionpolicies/status']
const mutating = 'mutatingadmissionpolicies'
const root = '/apis/admissionregistration.k8s.io/'

// What today's serves is asked of it in test/isolation-repair.test.ts; here are older ones.
describe('of admission policies an API server', () => {
  const undo = new AsyncDisposableStack()
  let peer: ApiServerPeer
  let client: ApiClient
  beforeAll(async () => {
    peer = undo.use(await ApiServerPeer.start())
    client = undo.use(openApiClient({ access: peer.access, clock: systemClock })).client
  })
  afterAll(() => undo.disposeAsync())

  it.each<[version: string, served: Record<string, string[]>, support: object]>([
    ['1.29', { v1: ['validatingwebhookconfigurations'] }, { validating: false, mutating: undefined }],
    ['1.30', { v1: validating }, { validating: true, mutating: undefined }],
    // Promises nothing.
    ['1.32, with alpha versions', { v1: validating, v1alpha1: [mutating] }, { validating: true, mutating: undefined }],
    ['1.34, with beta versions', { v1: validating, v1beta1: [mutating] }, { validating: true, mutating: 'v1beta1' }],
    ['1.36', { v1: [...validating, mutating], v1beta1: [mutating] }, { validating: true, mutating: 'v1' }],
  ])('of version %s serves', async (_, served, support) => {
    peer.script = ({ path }) => {
      const resources = path.startsWith(root) ? served[path.slice(root.length)] : undefined
      return resources
        ? { status: 200, body: { kind: 'APIResourceList', resources: resources.map((name) => ({ name })) } }
        : { status: 404, body: { kind: 'Status', code: 404, reason: 'NotFound' } }
    }
    expect(await admissionSupport(client, AbortSignal.timeout(20_000))).toEqual(support)
  })

  it('that does not answer serves nobody knows what', async () => {
    peer.script = () => ({ status: 403, body: { kind: 'Status', code: 403, reason: 'Forbidden' } })
    await expect(admissionSupport(client, AbortSignal.timeout(20_000))).rejects.toThrow()
  })
})
