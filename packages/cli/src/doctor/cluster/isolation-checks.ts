import type { Node } from '@bulkhead/kubernetes/controller'
import type { Check } from '../check.ts'
import type { ClusterFacts } from './cluster-facts.ts'

/** Handlers of a node’s container runtime that give each Pod a kernel of its own, by the names that their projects give them. */
const isolated = /^(runsc|gvisor|kata|edera|firecracker|hypervisor|urunc)/i

const gvisorFix =
  "install gVisor on nodes (https://gvisor.dev/docs/user_guide/containerd/quick_start/), then: echo '{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: gvisor}, handler: runsc}' | kubectl apply -f -"

/** Whether Pods can get kernels of their own here. */
export function isolationChecks(facts: Pick<ClusterFacts, 'runtimeClasses' | 'nodes' | 'deployments'>): Check[] {
  const { runtimeClasses, nodes } = facts
  if (runtimeClasses === 'hidden' || nodes === 'hidden')
    return [
      {
        name: 'isolation',
        state: 'warn',
        found: 'this user may not see RuntimeClasses and Nodes',
        fix: 'ask as a cluster administrator',
      },
    ]
  const reporting = nodes.filter((node) => (node.status?.runtimeHandlers ?? []).length > 0)
  const classes = runtimeClasses.map((runtimeClass) => {
    const on = reporting.filter((node) => handlersOf(node).includes(runtimeClass.handler))
    return { name: runtimeClass.metadata?.name ?? '', handler: runtimeClass.handler, nodes: on.length }
  })
  const named = classes.map(({ name, handler, nodes: count }): Check => {
    const what = `handler ${handler}${isolated.test(handler) ? '' : ', not known to isolate'}`
    if (reporting.length === 0)
      return {
        name: `runtimeclass.${name}`,
        state: 'warn',
        found: `${what}; no node says which handlers it has`,
        consequence: 'whether it works shows when a Pod starts',
      }
    if (count === 0)
      return {
        name: `runtimeclass.${name}`,
        state: 'warn',
        found: `${what}, which no node has`,
        consequence: 'its Pods stay in ContainerCreating',
        fix: `configure the handler ${handler} in the container runtime of nodes, or: kubectl delete runtimeclass ${name}`,
      }
    return { name: `runtimeclass.${name}`, state: 'ok', found: `${what}, on ${count} of ${nodes.length} nodes` }
  })
  const usable = classes.filter((found) => isolated.test(found.handler) && (found.nodes > 0 || reporting.length === 0))
  const summary: Check =
    usable.length > 0
      ? {
          name: 'isolation',
          state: 'ok',
          found: `own kernels by RuntimeClass ${usable.map(({ name }) => name).join(', ')}`,
        }
      : {
          name: 'isolation',
          state: 'warn',
          found: 'no RuntimeClass that is known to give Pods kernels of their own',
          consequence: 'Sandboxes share the kernel of their node',
          fix: gvisorFix,
        }
  return [summary, ...named, ...defaultChecks(facts.deployments, classes)]
}

const handlersOf = (node: Node): string[] => (node.status?.runtimeHandlers ?? []).map(({ name }) => name ?? '')

/** What operators were told to give to Pods that name none. */
function defaultChecks(
  deployments: ClusterFacts['deployments'],
  classes: readonly { readonly name: string; readonly handler: string }[]
): Check[] {
  if (deployments === 'hidden') return []
  const args = deployments.flatMap(({ spec }) =>
    spec.template.spec.containers.flatMap((container) => container.args ?? [])
  )
  const wanted = args.flatMap((arg) => /^--?default-runtime-class=(.+)$/.exec(arg)?.[1] ?? [])
  return [...new Set(wanted)].map((name): Check => {
    const found = classes.find((runtimeClass) => runtimeClass.name === name)
    if (!found)
      return {
        name: 'isolation.default',
        state: 'fail',
        found: `the operator gives Pods RuntimeClass ${name}, which does not exist`,
        consequence: 'no Pod that names none is admitted',
        fix: 'make it, or give the operator another --default-runtime-class',
      }
    if (!isolated.test(found.handler))
      return {
        name: 'isolation.default',
        state: 'warn',
        found: `${name}, whose handler ${found.handler} is not known to isolate`,
      }
    return { name: 'isolation.default', state: 'ok', found: name }
  })
}
