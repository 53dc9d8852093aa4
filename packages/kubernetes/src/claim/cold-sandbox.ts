import {
  annotation,
  label,
  nameHash,
  type Sandbox,
  type SandboxClaim,
  type SandboxTemplate,
  sandboxClaims,
} from '../api/index.ts'
import { controllerReference, type Stored } from '../controller/index.ts'
import { blueprintOf } from '../template/blueprint.ts'
import { withEnvironment } from './environment.ts'
import { claimedPodMetadata } from './pod-metadata.ts'
import { mergedVolumeClaims } from './volume-claims.ts'

/** The Sandbox that is made for a claim alone, under the claim's name: so that it is not made twice. Throws what the template does not permit. */
export function coldSandbox(claim: Stored<SandboxClaim>, template: Stored<SandboxTemplate>): Sandbox {
  const { podTemplate, volumeClaimTemplates, service } = blueprintOf(template)
  const { envVarsInjectionPolicy, volumeClaimTemplatesPolicy } = template.spec
  const refHash = nameHash(template.metadata.name)
  const createdBy = claim.metadata.labels?.[label.createdBy]
  const trace = claim.metadata.annotations?.[annotation.traceContext]
  const volumes = mergedVolumeClaims(volumeClaimTemplates, claim.spec.volumeClaimTemplates, volumeClaimTemplatesPolicy)
  return {
    metadata: {
      ...(claim.metadata.namespace && { namespace: claim.metadata.namespace }),
      name: claim.metadata.name,
      labels: {
        [label.launchType]: 'cold',
        [label.claimUid]: claim.metadata.uid,
        [label.sandboxTemplateRefHash]: refHash,
        ...(createdBy !== undefined && { [label.createdBy]: createdBy }),
      },
      annotations: {
        [annotation.sandboxTemplateRef]: template.metadata.name,
        ...(trace !== undefined && { [annotation.traceContext]: trace }),
      },
      ownerReferences: [controllerReference(sandboxClaims, claim)],
    },
    spec: {
      podTemplate: {
        metadata: claimedPodMetadata(podTemplate.metadata, claim, refHash),
        spec: withEnvironment(podTemplate.spec, claim.spec.env, envVarsInjectionPolicy),
      },
      ...(volumes && { volumeClaimTemplates: volumes }),
      ...(service !== undefined && { service }),
    },
  }
}
