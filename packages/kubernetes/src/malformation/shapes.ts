/**
 * What this package reads of an object's spec, and relies on. The API server's schemas ask for much more; an object that was stored past them (by a CRD of
 * another version, or a loosened one) is refused only for what nothing sensible can be made of. The Pod itself is the API server's to judge.
 *
 * A word that is not known here may be another version's, and is let pass where taking it for the default does no harm.
 */
import * as z from 'zod/mini'
import { timeMs } from '../api/index.ts'

const object = z.looseObject({})
const texts = z.record(z.string(), z.string())
const time = z.string().check(z.refine((text) => timeMs(text) !== undefined, 'is not a time'))
const count = z.int().check(z.minimum(0))
const reference = z.looseObject({ name: z.string() })
const metadata = z.looseObject({ labels: z.optional(texts), annotations: z.optional(texts) })

const container = z.looseObject({
  env: z.optional(z.array(z.looseObject({ name: z.string() }))),
  envFrom: z.optional(z.array(object)),
})

/** What Sandboxes and templates have in common. */
const blueprint = {
  podTemplate: z.looseObject({
    metadata: z.optional(metadata),
    spec: z.looseObject({ containers: z.array(container), initContainers: z.optional(z.array(container)) }),
  }),
  volumeClaimTemplates: z.optional(
    z.array(z.looseObject({ metadata: z.extend(metadata, { name: z.string().check(z.minLength(1)) }) }))
  ),
  service: z.optional(z.boolean()),
}

/** Whoever took an unknown word for one of these would permit what nobody has. */
const injectionPolicy = z.optional(z.enum(['Disallowed', 'Allowed', 'Overrides']))

const withSpec = (spec: z.ZodMiniType) => z.looseObject({ spec })

export const sandboxShape = withSpec(z.looseObject({ ...blueprint, shutdownTime: z.optional(time) }))

export const templateShape = withSpec(
  z.looseObject({
    ...blueprint,
    networkPolicy: z.optional(
      z.looseObject({ ingress: z.optional(z.array(object)), egress: z.optional(z.array(object)) })
    ),
    envVarsInjectionPolicy: injectionPolicy,
    volumeClaimTemplatesPolicy: injectionPolicy,
  })
)

export const warmPoolShape = withSpec(
  z.looseObject({ replicas: z.optional(count), sandboxTemplateRef: reference, updateStrategy: z.optional(object) })
)

export const claimShape = withSpec(
  z.looseObject({
    warmPoolRef: reference,
    lifecycle: z.optional(
      z.looseObject({ shutdownTime: z.optional(time), ttlSecondsAfterFinished: z.optional(count) })
    ),
    additionalPodMetadata: z.optional(metadata),
    env: z.optional(
      z.array(z.looseObject({ name: z.string(), value: z.string(), containerName: z.optional(z.string()) }))
    ),
    // One without a name has a reason of its own.
    volumeClaimTemplates: z.optional(
      z.array(z.looseObject({ metadata: z.optional(z.looseObject({ name: z.optional(z.string()) })) }))
    ),
  })
)

const selector = z.looseObject({
  matchLabels: z.optional(texts),
  matchExpressions: z.optional(
    z.array(
      z.looseObject({
        key: z.string(),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.optional(z.array(z.string())),
      })
    )
  ),
})
const isolationClass = z.enum(['hardware', 'userspace'])
const nonEmpty = z.string().check(z.minLength(1))

/** Whoever took an unknown word here for the default could enforce less than was asked for. */
export const isolationPolicyShape = withSpec(
  z.looseObject({
    namespaceSelector: selector,
    podSelector: z.optional(selector),
    minimumClass: z.optional(isolationClass),
    runtimeClasses: z.array(z.looseObject({ name: nonEmpty, class: isolationClass })),
    defaultRuntimeClassName: z.optional(z.string()),
    trustLevels: z.optional(z.array(z.looseObject({ level: nonEmpty, runtimeClassName: nonEmpty }))),
    podSecurity: z.optional(
      z.looseObject({
        allow: z.optional(z.array(z.string())),
        require: z.optional(z.array(z.enum(['UserNamespaces']))),
      })
    ),
    violation: z.optional(z.enum(['Deny', 'Warn', 'Audit'])),
  })
)
