import { label, nameHash, type SandboxTemplate, sandboxTemplates } from '../api/index.ts'
import {
  type Change,
  Controller,
  done,
  isAlreadyExists,
  isInvalid,
  isNamespaceTerminating,
  isNotFound,
  mergePatch,
  type NetworkPolicy,
  networkPolicies,
  type ObjectName,
  objectKey,
  type Patch,
  parseKey,
  type ReconcileResult,
  requeueAfter,
  type Stored,
  TerminalError,
  toSelf,
} from '../controller/index.ts'
import { Complaints, invalidSpec, malformationOfTemplate } from '../malformation/index.ts'
import type { OperatorContext } from '../operator/operator-context.ts'
import { concernedTemplates } from './concerned-templates.ts'
import { holdersOf } from './holders.ts'
import { LostPolicies } from './lost-policies.ts'
import { policyNameOf, policySpecOf } from './network-policy.ts'
import { type PolicyPlan, planPolicy } from './plan-policy.ts'

const controllerName = 'sandboxtemplate'
/** Reasons of Warning events about a template: its policy's name is taken; the API server does not accept its rules. */
export const networkPolicyNotOwned = 'NetworkPolicyNotOwned'
export const networkPolicyRefused = 'NetworkPolicyRefused'

/** The default's longest would leave Pods without a policy for a quarter of an hour after the API server has been away for long. */
const backoff = { baseMs: 5, maxMs: 60_000 }
const lostRecheckMs = 60_000

interface Found {
  readonly template: Stored<SandboxTemplate> | undefined
  readonly policy: Stored<NetworkPolicy> | undefined
}

/**
 * Keeps what belongs to a SandboxTemplate: the label its Sandboxes are found by, and the NetworkPolicy of their Pods, which outlives the template until the
 * last of them is gone (see `holderCount`).
 */
export function templateController(context: OperatorContext): Controller {
  const { client, caches, recorders, settings } = context
  const lost = new LostPolicies()
  const concerned = concernedTemplates(caches)
  const complaints = new Complaints(recorders.template)

  async function reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const name = parseKey(key)
    const template = caches.templates.store.get(key)
    const wrong = template && malformationOfTemplate(template)
    if (!template) complaints.forget(key)
    else complaints.about(template, wrong ? { reason: invalidSpec, note: wrong } : undefined)
    // Its policy stays as it is: that of a template that has been understood once protects Pods.
    if (wrong && isAlive(template)) return done
    const policy = caches.networkPolicies.store.get(policyKeyOf(name))
    const holders = holdersOf(caches, name.namespace ?? '', name.name)
    if (isAlive(template) || holders.length === 0) lost.forget(key)
    const plan = planPolicy({
      namespace: name.namespace ?? '',
      name: name.name,
      template,
      policy,
      wanted: template && !wrong ? policySpecOf(template, settings) : lost.specOf(key),
      holders,
    })
    await apply(plan, { template, policy }, signal)
    if (isAlive(template)) await keepLabel(template, signal)
    // Nothing tells of the end of the last Pod whose Sandbox is gone: what is remembered for it must end with it.
    return lost.specOf(key) ? requeueAfter(lostRecheckMs, 'background') : done
  }

  async function keepLabel(template: Stored<SandboxTemplate>, signal: AbortSignal): Promise<void> {
    const { metadata } = template
    const hash = nameHash(metadata.name)
    if (metadata.labels?.[label.sandboxTemplateRefHash] === hash) return
    const patch = mergePatch({ metadata: { uid: metadata.uid, labels: { [label.sandboxTemplateRefHash]: hash } } })
    const labelled = await unlessGone(template, client.patch(sandboxTemplates, metadata, patch, { signal }))
    if (labelled) caches.templates.store.wrote(labelled)
  }

  async function apply(plan: PolicyPlan, { template, policy }: Found, signal: AbortSignal): Promise<void> {
    try {
      await write(plan, policy, signal)
    } catch (error) {
      if (!isInvalid(error) || !template) throw error
      // What the API server refuses it refuses again, until somebody changes the template.
      warn(template, networkPolicyRefused, `NetworkPolicy "${policyNameOf(template.metadata.name)}": ${error.message}`)
      throw new TerminalError(error.message, { cause: error })
    }
    if (plan.kind === 'foreign' && template) warn(template, networkPolicyNotOwned, foreignNote(template, plan))
  }

  async function write(plan: PolicyPlan, policy: Found['policy'], signal: AbortSignal): Promise<void> {
    const { store } = caches.networkPolicies
    if (plan.kind === 'create') {
      const made = await unlessTaken(client.create(networkPolicies, plan.policy, { signal }))
      if (made) store.wrote(made)
    } else if (plan.kind === 'change' && policy) {
      const patch: Patch = { type: 'strategic', body: plan.body }
      const changed = await unlessGone(policy, client.patch(networkPolicies, policy.metadata, patch, { signal }))
      if (changed) store.wrote(changed)
    } else if (plan.kind === 'delete' && policy) {
      // Its end is not a loss to be made good.
      lost.expect(policy)
      const preconditions = { uid: policy.metadata.uid }
      await unlessGone(policy, client.delete(networkPolicies, policy.metadata, { signal, preconditions }))
      store.deleted(policy)
    }
  }

  const warn = (template: Stored<SandboxTemplate>, reason: string, note: string) =>
    recorders.template.record(template, { type: 'Warning', reason, action: 'KeepNetworkPolicy', note })

  return new Controller({
    ...context.controllerOptions(controllerName),
    workers: settings.templateWorkers,
    backoff,
    reconcile,
  })
    .watch(caches.templates, toSelf())
    .watch(caches.networkPolicies, (change: Change<NetworkPolicy>) => {
      lost.observe(change)
      return concerned.byPolicy(change)
    })
    .watch(caches.sandboxes, concerned.bySandbox)
    .watch(caches.pods, concerned.byPod)
}

const isAlive = (template: Stored<SandboxTemplate> | undefined): template is Stored<SandboxTemplate> =>
  template !== undefined && !template.metadata.deletionTimestamp

const policyKeyOf = ({ namespace, name }: ObjectName): string => `${namespace}/${policyNameOf(name)}`

function foreignNote(template: Stored<SandboxTemplate>, { owner }: Extract<PolicyPlan, { kind: 'foreign' }>): string {
  const whose = owner ? `is owned by ${owner.kind}/${owner.name} (UID: ${owner.uid})` : 'has no owner'
  return `NetworkPolicy "${policyNameOf(template.metadata.name)}" ${whose}, not by SandboxTemplate "${objectKey(template)}": it is left as it is, and Sandboxes of this template have no policy of its own`
}

/** What is gone already needs nothing: the watch will tell. */
const unlessGone = <Answer>({ metadata }: Stored, write: Promise<Answer>): Promise<Answer | undefined> =>
  write.catch((error) => {
    if (!isNotFound(error, metadata.name)) throw error
    return undefined
  })

/** The name was taken a moment ago: the watch will show by whom. A namespace on its way out takes nothing new, and its Pods with it. */
const unlessTaken = <Answer>(write: Promise<Answer>): Promise<Answer | undefined> =>
  write.catch((error) => {
    if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error
    return undefined
  })
