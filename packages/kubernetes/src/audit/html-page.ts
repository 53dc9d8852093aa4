import { isOwnKernel } from './kernel-class.ts'
import type { AuditReport, NodeReport, PodReport, TenantReport } from './report.ts'

/** Text that is markup already. */
class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escapeText = (text: string): string => text.replaceAll(/[&<>"']/g, (found) => entities[found] as string)

/** Names in a cluster are chosen by its tenants: whatever is not markup is escaped. */
function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Markup | readonly Markup[])[]
): Markup {
  const shown = values.map((value) => {
    if (value instanceof Markup) return value.text
    return typeof value === 'object' ? value.map(({ text }) => text).join('') : escapeText(String(value))
  })
  return new Markup(parts.map((part, at) => part + (shown[at] ?? '')).join(''))
}

/**
 * The report as one page that loads nothing and runs nothing: nodes as hulls, pods as compartments. What lies open together in one hull floods together; what
 * has a wall of its own does not let the water in, and is lost only with the whole hull.
 */
export function htmlPage(
  report: AuditReport,
  { cluster, at }: { readonly cluster: string; readonly at: string }
): string {
  const { totals } = report
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Bulkhead audit: ${cluster}</title>
<style>${new Markup(style)}</style>
<h1>What floods together</h1>
<p>${cluster}, ${at}. ${totals.pods} pods of ${totals.tenants} tenants on ${totals.nodes} nodes;
${totals.ownKernel} have a kernel of their own, ${totals.sharing} share that of their node.
With the worst kernel that somebody can attack fall <strong>${report.maxBlastRadius}</strong> pods.
When every workload is taken with a probability of ${report.compromise}, ${report.expectedLoss.toFixed(1)} pods are lost.</p>
<p class="legend"><i class="pod open"></i> on the node’s kernel <i class="pod wall"></i> a kernel of its own
<i class="pod trusted"></i> the cluster’s machinery</p>
<main>${report.nodes.map(hull)}</main>
<h2>Change first</h2>
${report.changes.length === 0 ? html`<p>Nothing: no workload shares a kernel with another.</p>` : changes(report)}
<h2>Tenants</h2>
<table><thead><tr><th>Tenant<th>Pods<th>Own kernel<th>Score<th>Endangered by</thead>
${report.tenants.map(tenantRow)}</table>
</html>
`.text
}

const style = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 80rem; margin: 2rem auto; padding: 0 1rem; color: #123; background: #fbfdff }
main { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start }
section { border: 2px solid #246; border-top: 0; border-radius: 0 0 4rem 4rem / 0 0 2rem 2rem; padding: .5rem 1.5rem 1rem; min-width: 12rem; max-width: 38rem }
section h3 { margin: 0; font-size: 1rem } section p { margin: .2rem 0; font-size: .85rem }
.hold { display: flex; flex-wrap: wrap; gap: 3px } .flooded .open, .flooded .trusted { background: #2b8cd6 }
.pod { display: inline-block; width: 14px; height: 14px; background: #cdd9e5; border-radius: 2px; font-style: normal }
.pod.wall { background: #fff; outline: 2px solid #246; outline-offset: -2px } .pod.trusted { background: #e8e8e8 } .pod.unknown { background: #e0a030 }
.legend .open { background: #2b8cd6 } table { border-collapse: collapse } th, td { text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #dde }
@media (prefers-color-scheme: dark) { body { color: #dde; background: #0c141c } .pod.wall { background: #0c141c } section { border-color: #68a } .pod.wall { outline-color: #68a } }
`

const hull = (node: NodeReport): Markup => html`<section class="${node.exposed ? 'flooded' : 'dry'}">
<h3>${node.name}</h3>
<p>score ${node.score}; ${node.exposed ? `falls as one: ${node.radius.pods} pods of ${node.radius.tenants.length} tenants` : 'nobody suspect on its kernel'}
${finds(node)}</p>
<div class="hold">${node.pods.map(compartment)}</div>
</section>
`

function finds({ radius }: NodeReport): string {
  const found = [
    radius.secrets.length > 0 && `${radius.secrets.length} secrets`,
    radius.privileged.length > 0 && `${radius.privileged.length} privileged`,
    radius.hostAccess.length > 0 && `${radius.hostAccess.length} with access to the node`,
    radius.worstPower && `a token for “${radius.worstPower}”`,
  ].filter(Boolean)
  return found.length === 0 ? '' : `; with ${found.join(', ')}`
}

function compartment({ namespace, name, kernel, trusted }: PodReport): Markup {
  const look = isOwnKernel(kernel) ? 'wall' : trusted ? 'trusted' : kernel === 'unknown' ? 'unknown' : 'open'
  return html`<i class="pod ${look}" title="${namespace}/${name} (${kernel})"></i>`
}

const changes = ({ changes: list }: AuditReport): Markup =>
  html`<ol>${list.map(
    ({ workload, pods, obstacles, lossAfter }) =>
      html`<li><code>${workload}</code> (${pods} pods): a kernel of its own; ${lossAfter.toFixed(1)} pods are lost then${
        obstacles.length === 0 ? '' : html`. In the way: ${obstacles.join(', ')}`
      }</li>`
  )}</ol>`

const tenantRow = ({ name, pods, ownKernel, score, endangeredBy }: TenantReport): Markup =>
  html`<tr><td>${name}<td>${pods}<td>${ownKernel}<td>${score}<td>${endangeredBy.slice(0, 5).join(', ')}${
    endangeredBy.length > 5 ? ` and ${endangeredBy.length - 5} more` : ''
  }</tr>
`
