import { quarantineLabel, quarantines } from '../api/index.ts'
import { apiVersionOf } from '../controller/index.ts'
import type { Manifest, ManifestOptions } from './manifest.ts'
import { operatorName } from './names.ts'

/** Policies and their bindings have one name. */
export const quarantineReach = 'bulkhead-quarantine-reach'
export const quarantineHold = 'bulkhead-quarantine-hold'

/** A verb that Kubernetes does not know: who has it on `quarantines` may reach into what is in quarantine. */
export const examineVerb = 'examine'

const apiVersion = 'admissionregistration.k8s.io/v1'
const metadata = (name: string) => ({ name, labels: { 'app.kubernetes.io/part-of': 'bulkhead' } })
const rule = (operations: readonly string[], resources: readonly string[]) => ({
  apiGroups: [''],
  apiVersions: ['v1'],
  operations,
  resources,
  // Said, because the API server would fill it in, and find it missing whenever this is applied again.
  scope: 'Namespaced',
})

const mayExamine = `authorizer.group('${quarantines.group}').resource('${quarantines.plural}').namespace(request.namespace).check('${examineVerb}').allowed()`
const isEnded = `has(params.status.conditions) && params.status.conditions.exists(c, c.type == 'Ended' && c.status == 'True')`
const isHeldPod = `has(params.status) && has(params.status.podName) && params.status.podName == request.name && !(${isEnded})`

/**
 * Keeps everybody out of Pods in quarantine, in the API server itself.
 *
 * A request to `exec` does not show the Pod, only its name: that is compared with the Quarantines of the namespace, which the API server keeps in a cache
 * of its own. Reading logs is not asked of admission, and stays possible.
 */
export function quarantineAdmission({ namespace }: Pick<ManifestOptions, 'namespace'>): Manifest[] {
  return [
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata: metadata(quarantineReach),
      spec: {
        failurePolicy: 'Fail',
        paramKind: { apiVersion: apiVersionOf(quarantines), kind: quarantines.kind },
        matchConstraints: {
          resourceRules: [
            rule(['CONNECT'], ['pods/exec', 'pods/attach', 'pods/portforward', 'pods/proxy']),
            rule(['CREATE'], ['pods/eviction']),
          ],
        },
        matchConditions: [{ name: 'may-not-examine', expression: `!${mayExamine}` }],
        validations: [
          {
            expression: `!(${isHeldPod})`,
            messageExpression: `'Pod ' + request.name + ' is in quarantine (' + params.metadata.name + '); only who may ${examineVerb} quarantines reaches into it'`,
            reason: 'Forbidden',
          },
        ],
      },
    },
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: metadata(quarantineReach),
      spec: {
        policyName: quarantineReach,
        // All of the request's namespace.
        paramRef: { selector: {}, parameterNotFoundAction: 'Allow' },
        validationActions: ['Deny', 'Audit'],
      },
    },
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicy',
      metadata: metadata(quarantineHold),
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: { resourceRules: [rule(['UPDATE', 'DELETE'], ['pods', 'pods/ephemeralcontainers'])] },
        matchConditions: [
          {
            name: 'in-quarantine',
            expression: `oldObject != null && has(oldObject.metadata.labels) && '${quarantineLabel}' in oldObject.metadata.labels`,
          },
          { name: 'may-not-examine', expression: `!${mayExamine}` },
        ],
        validations: [
          {
            // The parts of Kubernetes itself: garbage collection, the end of a namespace, the kubelet.
            expression: `request.userInfo.username == 'system:serviceaccount:${namespace}:${operatorName}' || request.userInfo.groups.exists(group, group in ['system:nodes', 'system:serviceaccounts:kube-system']) || request.userInfo.username in ['system:kube-controller-manager', 'system:kube-scheduler']`,
            message: `The Pod is in quarantine; only who may ${examineVerb} quarantines changes or deletes it`,
            reason: 'Forbidden',
          },
        ],
      },
    },
    {
      apiVersion,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: metadata(quarantineHold),
      spec: { policyName: quarantineHold, validationActions: ['Deny', 'Audit'] },
    },
  ] as unknown as Manifest[]
}
