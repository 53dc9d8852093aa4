import type { Registry } from 'prom-client'
import { Gauge } from 'prom-client'

declare const BULKHEAD_BUILD: { readonly version: string; readonly commit: string; readonly date: string } | undefined

/** Written in by tools/operator/bundle.ts; from the sources nothing is known. */
export const build =
  typeof BULKHEAD_BUILD === 'undefined' ? { version: 'devel', commit: 'unknown', date: 'unknown' } : BULKHEAD_BUILD

/** As Go names them, which is what the label's readers expect. */
const processors: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }

/** `agent_sandbox_build_info`. `go_version` and `compiler` keep their names, and tell what this was made with. */
export function registerBuildInfo(registry: Registry): void {
  new Gauge({
    name: 'agent_sandbox_build_info',
    help: 'What runs here; always 1.',
    labelNames: ['git_version', 'git_commit', 'build_date', 'go_version', 'compiler', 'platform'],
    registers: [registry],
  }).set(
    {
      git_version: build.version,
      git_commit: build.commit,
      build_date: build.date,
      go_version: `node ${process.version}`,
      compiler: 'v8',
      platform: `${process.platform}/${processors[process.arch] ?? process.arch}`,
    },
    1
  )
}
