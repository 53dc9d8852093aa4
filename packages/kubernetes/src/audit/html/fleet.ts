import { counted } from '../counted.ts'
import { isOwnKernel } from '../kernel-class.ts'
import type { AuditReport, KernelReport, PodReport } from '../report.ts'
import { html, type Markup, nothing } from './markup.ts'

/** Hulls that are drawn near, with what they carry; the rest are drawn small. */
const near = 24
/** With more pods than this, their names are shown only when they are pointed at. */
const namedPods = 150
/** A hull with more pods takes a row for itself. */
const widePods = 60
/** And with more than these, its pods are drawn small. */
const densePods = 400

/** The picture: the worst kernels of nodes, worst first. */
export function worstHulls({ kernels, totals }: AuditReport): Markup {
  const named = totals.pods <= namedPods
  return html`<main class="fleet${named ? ' named' : ''}">${kernels.slice(0, near).map((kernel) => hull(kernel, named))}</main>`
}

/** The rest of them, drawn small: nothing when all are near. */
export function otherHulls({ kernels }: AuditReport): Markup {
  const rest = kernels.slice(near)
  if (rest.length === 0) return nothing
  return html`<h2>The other ${rest.length} kernels of nodes</h2><div class="fleet far">${rest.map(farHull)}</div>`
}

const hull = (
  kernel: KernelReport,
  named: boolean
): Markup => html`<section class="hull${kernel.exposed ? ' flooded' : ''}${widthOf(kernel)}">
<h3>${title(kernel)}</h3>
<p>score ${kernel.score}; ${
  kernel.exposed
    ? `${counted(kernel.radius.pods, 'pod')} of ${counted(kernel.radius.tenants.length, 'tenant')} fall together`
    : 'nobody suspect can attack its kernel'
}${finds(kernel)}</p>
${holds(kernel, named)}
</section>
`

const widthOf = ({ pods }: KernelReport): string =>
  `${pods.length > widePods ? ' wide' : ''}${pods.length > densePods ? ' dense' : ''}`

const farHull = (kernel: KernelReport): Markup => html`<section class="hull${kernel.exposed ? ' flooded' : ''}">
<h3>${title(kernel)}</h3><p>${counted(kernel.radius.pods, 'pod')}</p>
${holds(kernel, false)}
</section>
`

function title({ nodes, name }: KernelReport): string {
  if (nodes.length <= 1) return name
  return `${nodes.length} nodes on one kernel: ${nodes.slice(0, 3).join(', ')}${nodes.length > 3 ? ', …' : ''}`
}

/** What lies open together is one hold; what has walls stands beside it. */
function holds({ pods }: KernelReport, named: boolean): Markup {
  const cells = (list: readonly PodReport[]) => list.map((pod) => cell(pod, named))
  const open = pods.filter(({ kernel }) => !isOwnKernel(kernel))
  const walled = pods.filter(({ kernel }) => isOwnKernel(kernel))
  return html`<div class="holds">${open.length === 0 ? nothing : html`<div class="hold">${cells(open)}</div>`}${cells(walled)}</div>`
}

function cell(report: PodReport, named: boolean): Markup {
  const { namespace, name, kernel, waysAround } = report
  const around = waysAround.length === 0 ? '' : `, with a way around it: ${waysAround.join(', ')}`
  return html`<i class="pod ${look(report)}" title="${namespace}/${name} (${kernel}${around})">${named ? `${namespace}/${name}` : ''}</i>`
}

function look({ kernel, trusted, waysAround }: PodReport): string {
  if (isOwnKernel(kernel)) return waysAround.length > 0 ? 'wall breach' : 'wall'
  return kernel === 'unknown' ? 'unknown' : trusted ? 'trusted' : 'open'
}

function finds({ radius }: KernelReport): string {
  const found = [
    radius.secrets.length > 0 && counted(radius.secrets.length, 'secret'),
    radius.privileged.length > 0 && counted(radius.privileged.length, 'privileged pod'),
    radius.hostAccess.length > 0 && `${counted(radius.hostAccess.length, 'pod')} with access to the node`,
    radius.worstPower && `a token for “${radius.worstPower}”`,
  ].filter((text) => typeof text === 'string')
  return found.length === 0 ? '' : `; with ${found.join(', ')}`
}
