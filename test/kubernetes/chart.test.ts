import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { load, loadAll } from 'js-yaml'
import { beforeAll, describe, expect, it } from 'vitest'
import { packageVersion } from '../../packages/cli/src/package-version.ts'
import {
  defaultNamespace,
  type Manifest,
  type ManifestOptions,
  manifests,
  routerAccesses,
  toYaml,
  witnessName,
} from '../../packages/kubernetes/src/manifests/index.ts'
import { installedPaths } from '../../tools/cluster/test-cluster.ts'
import { helmProgram } from '../../tools/operator/helm-program.ts'

const minutes = 60_000
const chart = path.resolve(import.meta.dirname, '../../deploy/helm/bulkhead')
const image = `bulkhead.test/operator:${packageVersion()}`
const byName = (objects: readonly Manifest[]) =>
  new Map(
    objects.map((object) => [`${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`, object])
  )

describe('the Helm chart', () => {
  let helm: string
  beforeAll(async () => {
    helm = await helmProgram(installedPaths(), AbortSignal.timeout(10 * minutes))
  }, 10 * minutes)

  const run = async (...args: string[]) => (await promisify(execFile)(helm, args, { maxBuffer: 1e8 })).stdout
  const rendered = async (namespace: string, ...values: string[]) => {
    const sets = values.flatMap((value) => ['--set', value])
    const text = await run('template', 'bulkhead', chart, '--namespace', namespace, '--kube-version', '1.36.0', ...sets)
    return loadAll(text).filter(Boolean) as unknown as Manifest[]
  }
  /** What the command prints, as it is read again; without the operator’s Namespace, which is Helm’s to make. */
  const printed = (options: Partial<ManifestOptions> = {}) =>
    (
      loadAll(
        toYaml(manifests({ image, namespace: defaultNamespace, witness: true, ...options }))
      ) as unknown as Manifest[]
    ).filter(({ kind, metadata }) => kind !== 'Namespace' || metadata.name === witnessName)
  const keep = { 'helm.sh/resource-policy': 'keep' }

  it('has nothing to complain of', async () => {
    expect(await run('lint', '--strict', chart)).toContain('0 chart(s) failed')
  })

  it.each([
    ['by default', defaultNamespace, [], {}],
    ...routerAccesses.map(
      (router) => [`with a router for ${router}`, defaultNamespace, [`router.access=${router}`], { router }] as const
    ),
    ['without witnesses', defaultNamespace, ['witness.enabled=false'], { witness: false }],
    ['elsewhere', 'sandboxes', ['router.access=token'], { router: 'token', namespace: 'sandboxes' }],
    [
      'with another image and an isolated default',
      defaultNamespace,
      ['image=registry.example/operator:2', 'defaultRuntimeClass=gvisor'],
      { image: 'registry.example/operator:2', defaultRuntimeClass: 'gvisor' },
    ],
  ] as [string, string, string[], Partial<ManifestOptions>][])(
    'is what the command prints: %s',
    async (_, namespace, values, options) => {
      const wanted = printed(options).map((object) =>
        object.kind === 'CustomResourceDefinition'
          ? { ...object, metadata: { ...object.metadata, annotations: keep } }
          : object
      )
      expect(byName(await rendered(namespace, ...values))).toEqual(byName(wanted))
    }
  )

  it('says what a router’s access can be', async () => {
    await expect(rendered(defaultNamespace, 'router.access=everyone')).rejects.toThrow(
      'router.access is none of tunnel'
    )
  })

  it('leaves room for what a cluster needs', async () => {
    const values = [
      'replicas=2',
      'extraArgs={--zap-log-level=debug}',
      'tolerations[0].key=infra',
      'imagePullSecrets[0].name=pull',
      'kinds=false',
    ]
    const objects = await rendered(defaultNamespace, ...values)
    expect(objects.some(({ kind }) => kind === 'CustomResourceDefinition')).toBe(false)
    const deployment = objects.find(({ kind }) => kind === 'Deployment')
    expect(deployment).toMatchObject({
      spec: {
        replicas: 2,
        template: {
          spec: {
            imagePullSecrets: [{ name: 'pull' }],
            tolerations: [{ key: 'infra' }],
            containers: [
              { args: ['--leader-elect=true', '--extensions', '--isolation', '--witness', '--zap-log-level=debug'] },
            ],
          },
        },
      },
    })
  })

  it('is of the version of the command', async () => {
    expect(load(await run('show', 'chart', chart))).toMatchObject({
      version: packageVersion(),
      appVersion: packageVersion(),
    })
  })
})
