/** @packageDocumentation What is installed into a cluster, as objects and as text. */
export { serverAccess } from './access.ts'
export { auditRole } from './audit-role.ts'
export { type CustomResourceDefinition, definitions } from './definitions.ts'
export { type Manifest, type ManifestOptions, type RouterAccess, routerAccesses } from './manifest.ts'
export { kindManifests, manifests, processManifests } from './manifests.ts'
export {
  configMapName,
  defaultNamespace,
  leaseName,
  operatorName,
  routerName,
  routerServiceName,
  serverKeySecretName,
  serverName,
  witnessName,
} from './names.ts'
export {
  leadershipPermissions,
  operatorPermissions,
  type Permission,
  routerPermissions,
  witnessPermissions,
} from './permissions.ts'
export { toYaml } from './to-yaml.ts'
