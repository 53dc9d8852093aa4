import { expect, it } from 'vitest'
import { audit } from './audit.ts'

it.each([
  ['--changes', { changes: '101' }],
  ['--changes', { changes: '-1' }],
  ['--max-blast-radius', { maxBlastRadius: '1e3' }],
  ['--handler', { handler: ['runc'] }],
  ['--handler', { handler: ['runc=safe'] }],
])('refuses what makes no sense before it asks any cluster: %s %j', async (field, options) => {
  await expect(audit([], { kubeconfig: '/nonexistent', ...options })).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining(field),
  })
})
