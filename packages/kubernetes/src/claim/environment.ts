import type { ClaimEnvironmentVariable, InjectionPolicy, PodSpec } from '../api/index.ts'
import { envRejected, reconcilerError } from './claim-refused.ts'

type Container = PodSpec['containers'][number]
type Variable = NonNullable<Container['env']>[number]

/** The Pod with a claim's environment variables in it, as far as the template permits. */
export function withEnvironment(
  spec: PodSpec,
  env: readonly ClaimEnvironmentVariable[] = [],
  policy: InjectionPolicy = 'Disallowed'
): PodSpec {
  if (env.length === 0) return spec
  if (policy === 'Disallowed') throw envRejected('the SandboxTemplate does not allow environment variables of claims')
  const wanted = Map.groupBy(env, ({ containerName }) => containerName || (spec.containers[0]?.name ?? ''))
  const known = new Set([...spec.containers, ...(spec.initContainers ?? [])].map(({ name }) => name))
  for (const name of wanted.keys()) {
    if (!known.has(name)) throw reconcilerError(`environment variable for unknown container "${name}"`, 'onInput')
  }
  const inject = (container: Container): Container => {
    const own = wanted.get(container.name)
    return own ? { ...container, env: merged(container, own, policy) } : container
  }
  return {
    ...spec,
    containers: spec.containers.map(inject),
    ...(spec.initContainers && { initContainers: spec.initContainers.map(inject) }),
  }
}

/** In the container's order, overrides in place, new ones at the end: a variable may refer to those before it. */
function merged(
  { name: container, env = [], envFrom = [] }: Container,
  wanted: readonly ClaimEnvironmentVariable[],
  policy: InjectionPolicy
): readonly Variable[] {
  // Nobody can tell here which names such a source defines.
  if (policy === 'Allowed' && envFrom.length > 0)
    throw envRejected(`container "${container}" has envFrom: claims may add only names that are new`)
  const byName = new Map<string, Variable>(env.map((variable) => [variable.name, variable]))
  for (const { name, value } of wanted) {
    if (policy === 'Allowed' && env.some((variable) => variable.name === name))
      throw reconcilerError(
        `environment variable "${name}" of container "${container}" must not be overridden`,
        'onInput'
      )
    byName.set(name, { name, value })
  }
  return [...byName.values()]
}
