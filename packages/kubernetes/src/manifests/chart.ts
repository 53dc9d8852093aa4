import { operatorAccess, peopleAccess, routerAccess, witnessAccess } from './access.ts'
import { chartPlace, withExpressions } from './chart-text.ts'
import { type Manifest, type RouterAccess, routerAccesses } from './manifest.ts'
import { defaultNamespace } from './names.ts'
import { operatorManifests } from './operator.ts'
import { quarantineAdmission } from './quarantine-admission.ts'
import { routerManifests } from './router.ts'
import { toYaml } from './to-yaml.ts'
import { witnessManifests, witnessNamespace } from './witness.ts'

const options = {
  namespace: '{{ .Release.Namespace }}',
  image: '{{ .Values.image | default (printf "bulkhead.test/operator:%s" .Chart.AppVersion) }}',
}

/** Goes above what is made, so that nobody edits it. */
const head = '{{- /* Made by tools/generate.ts from packages/kubernetes/src/manifests. */ -}}\n'

/** The templates of deploy/helm/bulkhead by their names: the same objects as `bulkhead kubernetes manifests`, with places for the chart’s values. */
export const chartTemplates = (): Readonly<Record<string, string>> => ({
  'access.yaml': text([...peopleAccess(), ...operatorAccess(options)]),
  'operator.yaml': text(operatorManifests(options).map(withOperatorValues)),
  'quarantine-admission.yaml': text(quarantineAdmission(options)),
  'router.yaml': `${head}{{- if .Values.router.access }}\n${body(routerAccess(options))}${routers()}{{- end }}\n`,
  'witness.yaml': `${head}{{- if .Values.witness.enabled }}\n${body(witness())}{{- end }}\n`,
})

const text = (objects: readonly Manifest[]): string => `${head}${body(objects)}`
const body = (objects: readonly Manifest[]): string => withExpressions(toYaml(objects))

/** Its nodes and tolerations are no choice: a node without a witness is one of which nothing is known. */
const witness = (): Manifest[] => [
  witnessNamespace(),
  ...witnessAccess(),
  ...witnessManifests(options).map((manifest) =>
    manifest.kind === 'DaemonSet' ? withOwnChoices(manifest, 'Values.witness') : manifest
  ),
]

/** How it is used decides on much of the Deployment, and on nothing else. */
function routers(): string {
  const forAccess = (access: RouterAccess) => routerManifests(options, access)
  const deployments = routerAccesses.map((access, at) => {
    const [deployment] = forAccess(access)
    const condition = `{{- ${at === 0 ? 'if' : 'else if'} eq .Values.router.access "${access}" }}\n`
    return `${condition}${deployment ? body([withRouterValues(deployment)]) : ''}`
  })
  const refused = `{{- else }}\n{{- fail "router.access is none of ${routerAccesses.join(', ')}" }}\n{{- end }}\n`
  return `${deployments.join('')}${refused}${body(forAccess('open').slice(1))}`
}

interface Deployment {
  spec: {
    replicas: unknown
    template: {
      spec: Record<string, unknown> & { containers: [{ args?: unknown[]; resources: unknown; env?: unknown[] }] }
    }
  }
}

function withOperatorValues(manifest: Manifest): Manifest {
  if (manifest.kind !== 'Deployment') return manifest
  return edited(manifest, 'Values', ({ spec: { template } }) => {
    const [container] = template.spec.containers
    container.args = [
      ...(container.args ?? []).filter((arg) => !String(arg).startsWith('--router-namespace=')),
      chartPlace.itemIf(`ne .Release.Namespace "${defaultNamespace}"`, '--router-namespace={{ .Release.Namespace }}'),
      chartPlace.itemIf('.Values.witness.enabled', '--witness'),
      chartPlace.itemIf('.Values.defaultRuntimeClass', '--default-runtime-class={{ .Values.defaultRuntimeClass }}'),
      chartPlace.items('.Values.extraArgs'),
    ]
  })
}

const withRouterValues = (manifest: Manifest): Manifest => edited(manifest, 'Values.router', () => {})

/** What both Deployments leave to the chart’s user. `from`: where replicas and resources are. */
function edited(manifest: Manifest, from: string, edit: (deployment: Deployment) => void): Manifest {
  const copy = withOwnChoices(manifest, from) as Manifest & Deployment
  // Through a tunnel clients come to one Pod: there the number is no choice.
  if (from === 'Values' || copy.spec.replicas !== 1) copy.spec.replicas = chartPlace.value(`.${from}.replicas`)
  Object.assign(copy.spec.template.spec, {
    nodeSelector: chartPlace.optional('.Values.nodeSelector'),
    tolerations: chartPlace.optional('.Values.tolerations'),
    affinity: chartPlace.optional('.Values.affinity'),
  })
  edit(copy)
  return copy
}

/** What everything that runs Pods leaves to the chart’s user. */
function withOwnChoices(manifest: Manifest, from: string): Manifest {
  const copy = structuredClone(manifest) as Manifest & Deployment
  const pod = copy.spec.template.spec
  pod.containers[0].resources = chartPlace.block(`.${from}.resources`)
  Object.assign(pod, { imagePullSecrets: chartPlace.optional('.Values.imagePullSecrets') })
  return copy
}
