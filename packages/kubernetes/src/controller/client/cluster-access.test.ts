import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../testing/manual-clock.ts'
import { inClusterAccess, isInCluster } from './in-cluster-access.ts'
import { kubeconfigAccess } from './kubeconfig-access.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'bulkhead-access-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const write = (name: string, text: string) => {
  writeFileSync(path.join(folder, name), text)
  return path.join(folder, name)
}

describe('in a Pod', () => {
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' }
  const mounted = () => {
    write('token', 'first\n')
    write('ca.crt', 'CA')
    write('namespace', 'mine')
  }

  it('uses the service account, and reads a renewed token', async () => {
    mounted()
    const clock = new ManualClock()
    const access = await inClusterAccess({ env, clock, folder })
    expect([access.server.href, access.namespace, await access.tls()]).toEqual([
      'https://[fd00::1]/',
      'mine',
      { ca: 'CA' },
    ])
    write('token', 'second')
    expect(await access.headers()).toEqual({ authorization: 'Bearer first' })
    clock.advance(60_001)
    expect(await access.headers()).toEqual({ authorization: 'Bearer second' })
    write('token', 'third')
    access.refresh()
    expect(await access.headers()).toEqual({ authorization: 'Bearer third' })
  })

  it('says what is missing, and recovers when it is back', async () => {
    await expect(inClusterAccess({ env, clock: new ManualClock(), folder })).rejects.toMatchObject({
      code: 'cluster_config_invalid',
    })
    await expect(inClusterAccess({ env: {}, clock: new ManualClock(), folder })).rejects.toMatchObject({
      code: 'cluster_config_invalid',
    })
    expect([isInCluster(env), isInCluster({})]).toEqual([true, false])
    mounted()
    const access = await inClusterAccess({ env, clock: new ManualClock(), folder })
    rmSync(path.join(folder, 'token'))
    access.refresh()
    await expect(access.headers()).rejects.toMatchObject({ code: 'cluster_config_invalid' })
    write('token', 'back')
    expect(await access.headers()).toEqual({ authorization: 'Bearer back' })
  })
})

describe('a kubeconfig', () => {
  const config = (user: object, cluster: object = {}) =>
    write(
      'config',
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'here',
        contexts: [{ name: 'here', context: { cluster: 'c', user: 'u', namespace: 'mine' } }],
        clusters: [
          {
            name: 'c',
            cluster: {
              server: 'https://10.0.0.1:6443',
              'certificate-authority-data': Buffer.from('CA').toString('base64'),
              ...cluster,
            },
          },
        ],
        users: [{ name: 'u', user }],
      })
    )
  const open = (file: string, context?: string) =>
    kubeconfigAccess({ clock: new ManualClock(), file, ...(context && { context }) })

  it('gives server, namespace, certificates and token', async () => {
    write('cert.pem', 'CERT')
    const access = await open(
      config({
        token: 'secret',
        'client-certificate': 'cert.pem',
        'client-key-data': Buffer.from('KEY').toString('base64'),
      })
    )
    expect([access.server.href, access.namespace]).toEqual(['https://10.0.0.1:6443/', 'mine'])
    expect(await access.headers()).toEqual({ authorization: 'Bearer secret' })
    const { ca, cert, key } = await access.tls()
    expect([String(ca), String(cert), String(key)]).toEqual(['CA', 'CERT', 'KEY'])
  })

  it('asks a credential plugin, and again when its token is not accepted', async () => {
    const plugin = write(
      'plugin.cjs',
      `
      const { readFileSync } = require('node:fs')
      const status = { token: readFileSync(process.argv[2], 'utf8'), expirationTimestamp: '2020-01-01T00:00:00Z' }
      process.stdout.write(JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status }))`
    )
    const token = write('plugin-token', 'one')
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args: [plugin, token] }
    const access = await open(config({ exec }))
    expect(await access.headers()).toEqual({ authorization: 'Bearer one' })
    write('plugin-token', 'two')
    expect(await access.headers()).toEqual({ authorization: 'Bearer one' })
    access.refresh()
    expect(await access.headers()).toEqual({ authorization: 'Bearer two' })
  })

  it('sends a name and a password as they are sent', async () => {
    const access = await open(config({ username: 'me', password: 'pw' }))
    expect(await access.headers()).toEqual({ authorization: `Basic ${Buffer.from('me:pw').toString('base64')}` })
  })

  it.each([
    ['a file that is not there', () => open(path.join(folder, 'none'))],
    ['a context that is not there', () => open(config({}), 'other')],
    ['an address that is none', () => open(config({}, { server: 'not an address' }))],
    ['a proxy', () => open(config({}, { 'proxy-url': 'http://proxy' }))],
    ['a plugin that is not there', () => open(config({ exec: { command: path.join(folder, 'none'), args: [] } }))],
    ['text that is no YAML', () => open(write('broken', '{'))],
  ])('says what it cannot use: %s', async (_, opening) => {
    await expect(opening()).rejects.toMatchObject({ code: 'cluster_config_invalid' })
  })
})
