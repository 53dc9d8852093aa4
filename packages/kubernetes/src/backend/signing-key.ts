import type { KeyObject } from 'node:crypto'
import { failure } from '@bulkhead/wire'
import type { V1Secret } from '@kubernetes/client-node'
import {
  type ApiClient,
  type AsJson,
  isAlreadyExists,
  isNotFound,
  type KubernetesObject,
  resourceType,
} from '../controller/index.ts'
import { serverKeySecretName } from '../manifests/names.ts'
import { newSigningKey, parseSigningKey } from './signed-token.ts'

type Secret = KubernetesObject & Omit<AsJson<V1Secret>, keyof KubernetesObject>

const secrets = resourceType<Secret>({ group: '', version: 'v1', plural: 'secrets', kind: 'Secret', namespaced: true })

const member = 'ed25519.pem'

/**
 * The key in the one Secret of this server: all replicas sign with the same, and the first of them makes it. Fails `cluster_config_invalid` for a Secret
 * with something else in it.
 */
export async function signingKey(client: ApiClient, namespace: string, signal: AbortSignal): Promise<KeyObject> {
  const name = { namespace, name: serverKeySecretName }
  const read = () => client.get(secrets, name, { signal })
  const make = () =>
    client.create(
      secrets,
      {
        metadata: name,
        type: 'Opaque',
        immutable: true,
        data: { [member]: Buffer.from(newSigningKey()).toString('base64') },
      },
      { signal }
    )
  const secret = await read()
    .catch((error) => {
      if (isNotFound(error)) return make()
      throw error
    })
    .catch((error) => {
      if (isAlreadyExists(error)) return read()
      throw error
    })
  try {
    return parseSigningKey(Buffer.from(secret.data?.[member] ?? '', 'base64').toString())
  } catch (cause) {
    const problem = `${member}: ${(cause as Error).message}`
    throw failure(
      'cluster_config_invalid',
      { source: `the Secret ${namespace}/${serverKeySecretName}`, problem },
      { cause }
    )
  }
}
