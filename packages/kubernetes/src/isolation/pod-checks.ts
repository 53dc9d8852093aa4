import type { Allowance, IsolationPolicySpec } from '../api/index.ts'
import { celString } from './cel.ts'
import { classRank, minimumRank, namesOfRank } from './isolation-classes.ts'
import type { PodCheck } from './pod-check.ts'
import { trustChecks } from './trust-checks.ts'

/** All that a policy asks of a Pod. */
export const podChecks = (spec: IsolationPolicySpec): readonly PodCheck[] => [
  classCheck(spec),
  ...trustChecks(spec),
  ...(Object.keys(forbidden) as Allowance[])
    .filter((allowance) => !spec.podSecurity?.allow?.includes(allowance))
    .map((allowance) => forbidden[allowance]),
  ...(spec.podSecurity?.require?.includes('UserNamespaces') ? [hostUsers] : []),
]

function classCheck(spec: IsolationPolicySpec): PodCheck {
  const choices = (rank: number) => celString(`: set it to ${namesOfRank(spec, rank).join(' or ')}`)
  const { userspace, hardware } = classRank
  const instead =
    minimumRank(spec) === hardware
      ? choices(hardware)
      : `(variables.required == ${hardware} ? ${choices(hardware)} : ${choices(userspace)})`
  const what = [
    'variables.runtimeClass == "" ? "spec.runtimeClassName is not set"',
    'variables.rank == 0 ? "spec.runtimeClassName " + variables.runtimeClass + " is of no isolation class"',
    '"spec.runtimeClassName " + variables.runtimeClass + " is of class userspace, hardware is required"',
  ].join(' : ')
  return { wrong: 'variables.rank < variables.required', complaint: `(${what}) + ${instead}` }
}

const isTrue = (field: string) => `${field}.orValue(false)`
/** Names of the containers for which `condition`, of a container `c`, holds. */
const namesOf = (condition: string) => `variables.containers.filter(c, ${condition}).map(c, c.name).join(", ")`
const existsContainer = (condition: string) => `variables.containers.exists(c, ${condition})`
const volumes = 'object.spec.?volumes.orValue([])'
/** The same of volumes, for a volume `v`. */
const namesOfVolumes = (condition: string) => `${volumes}.filter(v, ${condition}).map(v, v.name).join(", ")`
const existsVolume = (condition: string) => `${volumes}.exists(v, ${condition})`

const isPrivileged = `${isTrue('c.?securityContext.?privileged')} || ${isTrue('c.?securityContext.?windowsOptions.?hostProcess')}`
const hasHostPort = 'c.?ports.orValue([]).exists(p, p.?hostPort.orValue(0) != 0)'
/** One with an audience was asked for on purpose, mostly for somebody else; who may do that could get a token in other ways, too. */
const isApiToken = 's.?serviceAccountToken.hasValue() && s.serviceAccountToken.?audience.orValue("") == ""'
const bringsToken = `v.?projected.?sources.orValue([]).exists(s, ${isApiToken})`
const podSeccomp = 'object.spec.?securityContext.?seccompProfile.?type.orValue("")'
const isUnconfined = `!(c.?securityContext.?seccompProfile.?type.orValue(${podSeccomp}) in ["RuntimeDefault", "Localhost"])`

/** By what allows it. */
const forbidden: Readonly<Record<Allowance, PodCheck>> = {
  HostNamespaces: {
    wrong: ['hostNetwork', 'hostPID', 'hostIPC'].map((field) => isTrue(`object.spec.?${field}`)).join(' || '),
    complaint: celString('spec.hostNetwork, hostPID and hostIPC share what is the node’s: leave them unset'),
  },
  HostPath: {
    wrong: existsVolume('has(v.hostPath)'),
    complaint: `"hostPath volumes (" + ${namesOfVolumes('has(v.hostPath)')} + ") are files of the node: use emptyDir or a PersistentVolumeClaim"`,
  },
  HostPorts: {
    wrong: existsContainer(hasHostPort),
    complaint: `"containers (" + ${namesOf(hasHostPort)} + ") take ports of the node: use a Service in place of hostPort"`,
  },
  Privileged: {
    wrong: `${existsContainer(isPrivileged)} || ${isTrue('object.spec.?securityContext.?windowsOptions.?hostProcess')}`,
    complaint: `"containers (" + ${namesOf(isPrivileged)} + ") are privileged: leave securityContext.privileged and hostProcess unset"`,
  },
  ServiceAccountToken: {
    wrong: existsVolume(bringsToken),
    complaint: `"volumes (" + ${namesOfVolumes(bringsToken)} + ") bring a token for the API server: set spec.automountServiceAccountToken to false"`,
  },
  UnconfinedSeccomp: {
    wrong: existsContainer(isUnconfined),
    complaint: `"containers (" + ${namesOf(isUnconfined)} + ") have no seccomp profile: set spec.securityContext.seccompProfile.type to RuntimeDefault"`,
  },
}

const hostUsers: PodCheck = {
  wrong: 'object.spec.?hostUsers.orValue(true)',
  complaint: celString('users of the Pod are users of the node: set spec.hostUsers to false'),
}
