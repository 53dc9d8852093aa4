import { readFileSync } from 'node:fs'

/** The domains whose label keys claims may give their Pods. */
export type AllowedLabelDomains = () => readonly string[]

/** Key `allowed-label-domains` of the ConfigMap `agent-sandbox-config`, where the operator's Pod has it mounted. */
export const allowedLabelDomainsFile = '/etc/sandbox-config/allowed-label-domains'

export const defaultLabelDomains: readonly string[] = ['sandbox.users.io']

/** Separated by commas or lines. Nothing in it: the default. */
export function parseLabelDomains(text: string): readonly string[] {
  const domains = text
    .split(/[,\n]/)
    .map((domain) => domain.trim().toLowerCase())
    .filter(Boolean)
  return domains.length > 0 ? domains : defaultLabelDomains
}

/** Reads the file each time: the kubelet puts a new one in its place when the ConfigMap changes. No such file: the default. */
export const labelDomainsOf =
  (file: string = allowedLabelDomainsFile): AllowedLabelDomains =>
  () => {
    try {
      return parseLabelDomains(readFileSync(file, 'utf8'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return defaultLabelDomains
      throw error
    }
  }
