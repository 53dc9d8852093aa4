import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../clock.ts'
import { openApiClient } from './api-client.ts'
import type { ClusterAccess } from './cluster-access.ts'

let folder: string
const pem = (name: string) => readFileSync(path.join(folder, name), 'utf8')

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'bulkhead-transport-'))
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '2']
  openssl(...make, '-subj', '/CN=ca', '-keyout', 'ca.key', '-out', 'ca.crt')
  const signed = [...make, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-addext', 'basicConstraints=critical,CA:FALSE']
  openssl(
    ...signed,
    '-subj',
    '/CN=server',
    '-keyout',
    's.key',
    '-out',
    's.crt',
    '-addext',
    'subjectAltName=IP:127.0.0.1'
  )
  for (const user of ['first', 'renewed'])
    openssl(...signed, '-subj', `/CN=${user}`, '-keyout', `${user}.key`, '-out', `${user}.crt`)
})
afterAll(() => rmSync(folder, { recursive: true }))

/** A server that tells each client who it is, by its certificate. */
async function openServer() {
  const options = { key: pem('s.key'), cert: pem('s.crt'), ca: pem('ca.crt'), requestCert: true }
  const server = createServer(options, (request, response) => {
    const subject = (request.socket as TLSSocket).getPeerCertificate().subject
    response.end(JSON.stringify({ user: subject?.CN, path: request.url }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => server.closeAllConnections(),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

const access = (server: string, tls: ClusterAccess['tls']): ClusterAccess => ({
  server: new URL(server),
  namespace: 'default',
  tls,
  headers: async () => ({}),
  refresh: () => {},
})

it('shows its certificate, and a renewed one with the next connection; keeps the path in front', async () => {
  await using server = await openServer()
  let user = 'first'
  const tls = async () => ({ ca: pem('ca.crt'), cert: pem(`${user}.crt`), key: pem(`${user}.key`) })
  await using opened = openApiClient({
    access: access(`https://127.0.0.1:${server.port}/clusters/a/`, tls),
    clock: systemClock,
  })
  const who = () => opened.client.getRaw('/version')
  expect(await who()).toEqual({ user: 'first', path: '/clusters/a/version' })
  user = 'renewed'
  server.cut()
  expect(await who()).toMatchObject({ user: 'renewed' })
})

it('trusts no server that its authority did not sign, and says what it cannot read', async () => {
  await using server = await openServer()
  const url = `https://127.0.0.1:${server.port}`
  await using stranger = openApiClient({ access: access(url, async () => ({})), clock: systemClock, random: () => 0 })
  await expect(stranger.client.getRaw('/version', { retry: false })).rejects.toMatchObject({
    name: 'TransportError',
    unsent: true,
  })
  const unreadable = async () => Promise.reject(new Error('no such file: ca.crt'))
  await using broken = openApiClient({ access: access(url, unreadable), clock: systemClock })
  await expect(broken.client.getRaw('/version', { retry: false })).rejects.toThrow('no such file: ca.crt')
})
