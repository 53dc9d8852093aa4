import { describe, expect, it } from 'vitest'
import { guestTarget } from './guest-target.ts'

const id = 'sb-aaaaaaaaaaaaaaaaaaaa'
const below = (rest: string) => guestTarget(`/v1/sandboxes/${id}/guest${rest}`)

describe('guestTarget', () => {
  it.each([
    ['/process.Process/Start', '/process.Process/Start'],
    ['/files?path=%2Fhome%2Fuser%2F..%2Fa%20b&username=user', '/files'],
    ['/health', '/health'],
    ['/files/compose', '/files/compose'],
  ])('lets %s through, byte for byte', (rest, route) => {
    expect(below(rest)).toEqual({ kind: 'target', target: { sandboxId: id, path: rest, route } })
  })

  it.each([
    '/bulkhead.guest.v1.Guest/Configure',
    '/BULKHEAD.guest.v1.guest/configure',
    '/bulkhead.guest.v2.Guest/PowerOff',
    '/bulkhead.guest.v1.Guest./Configure',
    '/bulkhead%2eguest.v1.Guest/Configure',
    '/%62ulkhead.guest.v1.Guest/Configure',
    '//bulkhead.guest.v1.Guest/Configure',
    '/x/../bulkhead.guest.v1.Guest/Configure',
    '/./bulkhead.guest.v1.Guest/Configure',
    '/.../x',
    '/x//y',
    '/x/',
    '/',
    '',
    '/x\\..\\bulkhead.guest.v1.Guest/Configure',
    '/x;y',
    '/x%2F..%2Fbulkhead.guest.v1.Guest/Configure',
    '/files?path=\u0001',
    '/files?path=ü',
  ])('refuses %j', (rest) => {
    expect(below(rest)).toMatchObject({ kind: 'refused' })
  })

  it.each(['/v1/sandboxes/../guest/files', '/v1/sandboxes/a%2fb/guest/files', '/v1/sandboxes/A B/guest/files'])(
    'refuses the sandbox id in %j',
    (url) => {
      expect(guestTarget(url)).toMatchObject({ kind: 'refused' })
    }
  )

  it.each([
    `/v1/sandboxes/${id}`,
    `/v1/sandboxes/${id}/guests/x`,
    '/v1/sandboxes//guest/x',
    '/health',
    'http://host/v1',
  ])('leaves %j to the control API', (url) => {
    expect(guestTarget(url)).toBeUndefined()
  })
})
