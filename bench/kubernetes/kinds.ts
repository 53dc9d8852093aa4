import { installLooseKinds } from '../../packages/kubernetes/test/support/loose-kinds.ts'

/** The kinds of the API, as a cluster's administrator installs them. */
export const installKinds = installLooseKinds
