import type { Certificate } from './certificates.ts'

/** A kubeconfig with everything in it. JSON, which is YAML. */
export function kubeconfig(server: string, authority: string, { certificate, key }: Certificate): string {
  const name = 'bulkhead'
  return json({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': base64(authority) } }],
    users: [{ name, user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  })
}

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

const base64 = (text: string): string => Buffer.from(text).toString('base64')
