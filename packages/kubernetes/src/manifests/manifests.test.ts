import { readFileSync } from 'node:fs'
import { loadAll } from 'js-yaml'
import { describe, expect, it } from 'vitest'
import type { PodSpec } from '../api/index.ts'
import { type Manifest, type ManifestOptions, routerAccesses } from './manifest.ts'
import { kindManifests, manifests, processManifests } from './manifests.ts'
import { defaultNamespace, witnessName } from './names.ts'
import {
  leadershipPermissions,
  operatorPermissions,
  type Permission,
  routerPermissions,
  witnessPermissions,
} from './permissions.ts'
import { toYaml } from './to-yaml.ts'

const options: ManifestOptions = { image: 'example/operator:1', namespace: defaultNamespace }
const find = <T>(objects: readonly Manifest[], kind: string, name: string): T => {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name)
  if (!found) expect.fail(`no ${kind} ${name}`)
  return found as unknown as T
}
interface Deployment {
  readonly spec: { readonly replicas: number; readonly template: { readonly metadata: object; readonly spec: PodSpec } }
}
const operatorOf = (more: Partial<ManifestOptions> = {}) =>
  find<Deployment>(manifests({ ...options, ...more }), 'Deployment', 'agent-sandbox-controller').spec.template
const routerOf = (router: NonNullable<ManifestOptions['router']>) =>
  find<Deployment>(manifests({ ...options, router }), 'Deployment', 'sandbox-router').spec.template

describe('the operator', () => {
  it('has the names, arguments and ports that tools and clients know', () => {
    const { metadata, spec } = operatorOf()
    expect(metadata).toMatchObject({ labels: { app: 'agent-sandbox-controller' } })
    expect(spec).toMatchObject({
      serviceAccountName: 'agent-sandbox-controller',
      containers: [
        {
          name: 'agent-sandbox-controller',
          image: 'example/operator:1',
          args: ['--leader-elect=true', '--extensions', '--isolation'],
          ports: [
            { name: 'metrics', containerPort: 8080 },
            { name: 'healthz', containerPort: 8081 },
          ],
          livenessProbe: { httpGet: { path: '/healthz', port: 'healthz' } },
          readinessProbe: { httpGet: { path: '/readyz', port: 'healthz' } },
          volumeMounts: [{ mountPath: '/etc/sandbox-config', readOnly: true }],
        },
      ],
      volumes: [{ configMap: { name: 'agent-sandbox-config', optional: true } }],
    })
    expect(find(manifests(options), 'Service', 'agent-sandbox-controller')).toMatchObject({
      metadata: { namespace: 'agent-sandbox-system', labels: { app: 'agent-sandbox-controller' } },
      spec: { selector: { app: 'agent-sandbox-controller' }, ports: [{ name: 'metrics', port: 8080 }] },
    })
  })

  it('knows the namespace of routers when it is another one, and the default RuntimeClass', () => {
    const { spec } = operatorOf({ namespace: 'elsewhere', defaultRuntimeClass: 'gvisor' })
    expect(spec.containers[0]?.args?.slice(3)).toEqual([
      '--router-namespace=elsewhere',
      '--default-runtime-class=gvisor',
    ])
  })
})

describe('the router', () => {
  it('is installed only when it is asked for', () => {
    expect(manifests(options).filter(({ metadata }) => metadata.name.startsWith('sandbox-router'))).toEqual([])
  })

  it('is where SDKs look for it, with the label that lets it into Sandboxes', () => {
    expect(find(manifests({ ...options, router: 'open' }), 'Service', 'sandbox-router-svc')).toMatchObject({
      metadata: { namespace: 'agent-sandbox-system' },
      spec: { ports: [{ port: 8080 }], selector: { app: 'sandbox-router' } },
    })
    expect(routerOf('open').metadata).toMatchObject({ labels: { app: 'sandbox-router' } })
  })

  it.each([
    ['tunnel', ['ROUTER_LISTEN', 'ALLOW_UNAUTHENTICATED_ROUTER'], false],
    ['token', ['ROUTER_AUTH_TOKEN'], true],
    ['open', ['ALLOW_UNAUTHENTICATED_ROUTER'], true],
  ] as const)('for %s is told %j', (access, variables, probed) => {
    const [container] = routerOf(access).spec.containers
    expect(container?.env?.map(({ name }) => name)).toEqual(variables)
    expect(container?.readinessProbe !== undefined).toBe(probed)
  })

  it('for tunnel listens where only who was let in by the API server arrives', () => {
    expect(routerOf('tunnel').spec.containers[0]?.env).toContainEqual({
      name: 'ROUTER_LISTEN',
      value: '127.0.0.1:8080',
    })
  })
})

describe('the witness', () => {
  const witnessed = manifests({ ...options, witness: true })
  const { spec } = find<Deployment>(witnessed, 'DaemonSet', witnessName).spec.template

  it('is installed only when it is asked for, and then the operator listens', () => {
    expect(manifests(options).filter(({ metadata }) => metadata.name === witnessName)).toEqual([])
    expect(operatorOf({ witness: true }).spec.containers[0]?.args).toContain('--witness')
    expect(operatorOf().spec.containers[0]?.args).not.toContain('--witness')
  })

  it('is on every node, in a namespace of its own', () => {
    expect(spec.tolerations).toEqual([{ operator: 'Exists' }])
    expect(find(witnessed, 'Namespace', witnessName)).toMatchObject({
      metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'privileged' } },
    })
    const there = witnessed.filter(({ metadata }) => metadata.namespace === witnessName).map(({ kind }) => kind)
    expect(there).toEqual(['ServiceAccount', 'DaemonSet'])
  })

  it('has one capability, mounts nothing of the node, writes nowhere and listens to nobody', () => {
    expect(spec).toMatchObject({ hostPID: true, serviceAccountName: witnessName })
    for (const name of ['hostNetwork', 'hostIPC', 'volumes']) expect(spec).not.toHaveProperty(name)
    expect(spec.containers).toMatchObject([
      {
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'], add: ['SYS_PTRACE'] },
        },
        resources: { limits: { memory: expect.any(String) } },
      },
    ])
    for (const name of ['ports', 'volumeMounts']) expect(spec.containers[0]).not.toHaveProperty(name)
  })

  it('is the same account wherever it is named', () => {
    const policy = find<{ spec: { validations: { expression: string }[] } }>(
      witnessed,
      'ValidatingAdmissionPolicy',
      witnessName
    )
    expect(policy.spec.validations[0]?.expression).toContain(`'system:serviceaccount:${witnessName}:${witnessName}'`)
    expect(find(witnessed, 'ClusterRoleBinding', witnessName)).toMatchObject({
      subjects: [{ kind: 'ServiceAccount', name: witnessName, namespace: witnessName }],
    })
  })
})

const pods: readonly [string, PodSpec][] = [
  ['operator', operatorOf().spec],
  ...routerAccesses.map((access): [string, PodSpec] => [`router, ${access}`, routerOf(access).spec]),
]
it.each(pods)('meets the Pod security standard `restricted` and writes nowhere: %s', (_, spec) => {
  expect(spec.securityContext).toEqual({
    runAsNonRoot: true,
    runAsUser: 65_532,
    runAsGroup: 65_532,
    seccompProfile: { type: 'RuntimeDefault' },
  })
  for (const { securityContext, resources } of spec.containers) {
    expect(securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(resources?.limits?.memory).toBeTruthy()
  }
  expect(spec).not.toHaveProperty('hostNetwork')
})

describe('permissions', () => {
  const all: readonly [string, readonly Permission[]][] = [
    ['operator', operatorPermissions],
    ['leadership', leadershipPermissions],
    ['router', routerPermissions],
    ['witness', witnessPermissions],
  ]
  it.each(all)('of %s are spelled out, each with its reason', (_, permissions) => {
    for (const { apiGroups, resources, verbs, why } of permissions) {
      expect([...apiGroups, ...resources, ...verbs]).not.toContain('*')
      expect(verbs).not.toContain('deletecollection')
      expect(why).not.toBe('')
    }
  })

  it('of the operator are documented as they are', () => {
    const documented = readFileSync(new URL('../../../../docs/kubernetes/install.md', import.meta.url), 'utf8')
    const rows = documented.split('\n').map((line) => line.replaceAll(/\s+/g, ' '))
    for (const { resources, verbs, why } of [...operatorPermissions, ...leadershipPermissions])
      expect(rows).toContain(`| ${resources.join(', ')} | ${verbs.join(' ')} | ${why} |`)
  })

  it('reach nothing that holds secrets, starts programs in Pods or gives permissions', () => {
    const resources = all.flatMap(([, permissions]) => permissions.flatMap((permission) => permission.resources))
    expect(resources.filter((name) => /secret|token|exec|attach|portforward|role|webhook/.test(name))).toEqual([])
  })

  it('change no node', () => {
    const verbs = all.flatMap(([, permissions]) =>
      permissions
        .filter(({ resources }) => resources.some((name) => /^nodes(\/|$)/.test(name)))
        .flatMap((one) => one.verbs)
    )
    expect(new Set(verbs)).toEqual(new Set(['list', 'watch']))
  })

  it('include what OwnerReferencesPermissionEnforcement demands for every kind that owns objects', () => {
    const finalizers = operatorPermissions.flatMap(({ resources, verbs }) =>
      resources.filter((name) => name.endsWith('/finalizers') && verbs.includes('update'))
    )
    expect(finalizers.sort()).toEqual(
      ['isolationpolicies', 'quarantines', 'sandboxclaims', 'sandboxes', 'sandboxtemplates', 'sandboxwarmpools'].map(
        (name) => `${name}/finalizers`
      )
    )
  })
})

describe('what is printed', () => {
  it('is read again as the same objects, whatever a reader of YAML 1.1 takes for a truth', () => {
    const wanted = manifests({ ...options, router: 'token' })
    const text = toYaml(wanted)
    expect(loadAll(text)).toEqual(JSON.parse(JSON.stringify(wanted)))
    expect(text).not.toMatch(/(: |- )(y|n|yes|no|on|off)$/im)
  })

  it('says why each rule is there', () => {
    const text = toYaml(processManifests(options))
    for (const { why } of operatorPermissions) expect(text.replaceAll(/\n +# /g, ' ')).toContain(` ${why}\n`)
  })

  it('comes in two parts: what Sandboxes cannot do without, and the rest', () => {
    const kinds = kindManifests(options)
    expect(new Set(kinds.map(({ kind }) => kind))).toEqual(new Set(['Namespace', 'CustomResourceDefinition']))
    const rest = processManifests({ ...options, router: 'open' })
    expect(rest.some(({ kind }) => kind === 'Namespace' || kind === 'CustomResourceDefinition')).toBe(false)
    expect(manifests({ ...options, router: 'open' })).toEqual([...kinds, ...rest])
  })
})
