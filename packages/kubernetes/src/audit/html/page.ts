import { createHash } from 'node:crypto'
import { counted } from '../counted.ts'
import type { AuditReport, KernelReport } from '../report.ts'
import { otherHulls, worstHulls } from './fleet.ts'
import { html, Markup, nothing } from './markup.ts'
import { style } from './style.ts'

/** Rows of a table beyond which only the JSON tells the rest. */
const shownRows = 100

/**
 * The report as one page that loads nothing and runs nothing: kernels of nodes as hulls, pods as compartments. What lies open together in one hull floods
 * together; what has a wall of its own does not let the water in, and is lost only with the whole hull. All names are foreign text.
 */
export function htmlPage(
  report: AuditReport,
  { cluster, at }: { readonly cluster: string; readonly at: string }
): string {
  const allowed = `'sha256-${createHash('sha256').update(style).digest('base64')}'`
  const policy = `default-src 'none'; style-src ${allowed}; base-uri 'none'; form-action 'none'`
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<title>Bulkhead audit: ${cluster}</title>
<style>${new Markup(style)}</style>
<h1>What floods together</h1>
<p class="faint">${cluster} · ${at}</p>
${report.missing.map(notSeen)}
${pretending(report)}
${figures(report)}
${legend}
${worstHulls(report)}
<h2>Change first</h2>
${changes(report)}
<h2>When nodes fail</h2>
${nodesLost(report)}
<h2>Tenants</h2>
${tenants(report)}
<h2>What stolen tokens open</h2>
${accounts(report)}
${otherHulls(report)}
</html>
`.text
}

const notSeen = ({ what, why, consequence }: AuditReport['missing'][number]): Markup =>
  html`<p class="alert"><strong>Not seen: ${what}.</strong> ${consequence}. <span class="faint">${why}</span></p>`

function pretending({ probe }: AuditReport): Markup {
  if (!probe || probe.pretending.length === 0) return nothing
  const rows = probe.pretending.slice(0, shownRows)
  return html`<div class="alert"><strong>On the kernel of a node, although the RuntimeClass promises one of their own: ${counted(probe.pretending.length, 'pod')}</strong>
<ul>${rows.map(({ pod, node, runtimeClass }) => html`<li><code>${pod}</code> (${runtimeClass}) on ${node}</li>`)}</ul>${more(probe.pretending.length)}</div>`
}

const figure = (name: string, value: string | number): Markup => html`<div><dt>${name}<dd>${value}</div>`

function figures({ totals, maxBlastRadius, expectedLoss, compromise }: AuditReport): Markup {
  return html`<dl>${figure('pods that fall with the worst kernel', maxBlastRadius)}
${figure(`pods lost, when each workload is taken with a chance of ${100 * compromise} %`, expectedLoss.toFixed(1))}
${figure('pods', totals.pods)}${figure('tenants', totals.tenants)}${figure('nodes', totals.nodes)}
${figure('with a kernel of their own', totals.ownKernel)}${figure('that share their node’s', totals.sharing)}
${totals.bypassed > 0 ? figure('with a way around their own', totals.bypassed) : nothing}</dl>`
}

const legend = html`<p class="legend"><span><b><i class="pod open"></i></b> a pod on the node’s kernel</span><span><i class="pod wall"></i> with a kernel of its own</span>
<span><i class="pod wall breach"></i> with a way around it</span><span><i class="pod unknown"></i> by a handler nobody here knows</span><span><i class="pod trusted"></i> the cluster’s machinery</span>
<span class="faint">Blue is water: whoever takes one of the pods in it has all of the hull.</span></p>`

function changes({ changes: list, kernels }: AuditReport): Markup {
  if (list.length === 0) return html`<p>Nothing: ${why(kernels)}</p>`
  return html`<ol>${list.map(
    ({ workload, pods, hasOwnKernel, obstacles, lossAfter }) =>
      html`<li><code>${workload}</code> (${counted(pods, 'pod')}): ${
        hasOwnKernel ? 'close the way around its kernel' : 'a kernel of its own'
      }. ${lossAfter.toFixed(1)} pods are lost then${
        obstacles.length === 0 ? '' : html`; in the way: ${obstacles.join(', ')}`
      }.</li>`
  )}</ol>`
}

const why = (kernels: readonly KernelReport[]): string =>
  kernels.some(({ exposed }) => exposed)
    ? 'no single change makes the expected loss smaller.'
    : 'nobody suspect can attack the kernel of a node.'

function nodesLost({ nodesLost: list }: AuditReport): Markup {
  const row = ({ k, worst, meanTenantsLost, tenants: all }: AuditReport['nodesLost'][number]) =>
    html`<tr><td class="number">${k}<td class="number">${worst.tenantsLost} of ${all}<td>${worst.nodes.join(', ') || '–'}<td class="number">${meanTenantsLost.toFixed(2)}</tr>`
  return html`<table><thead><tr><th class="number">Nodes<th class="number">Tenants that lose everything, at worst<th>With<th class="number">On average</thead>${list.map(row)}</table>`
}

function tenants({ tenants: list }: AuditReport): Markup {
  const rows = list
    .slice(0, shownRows)
    .map(
      ({ name, pods, ownKernel, score, endangeredBy: { count, first } }) =>
        html`<tr><td>${name}<td class="number">${pods}<td class="number">${ownKernel}<td class="number">${score}<td>${first.slice(0, 5).join(', ')}${
          count > 5 ? ` and ${count - 5} more` : ''
        }</tr>`
    )
  return html`<table><thead><tr><th>Tenant<th class="number">Pods<th class="number">Own kernel<th class="number">Score<th>Endangered by</thead>${rows}</table>${more(list.length)}`
}

function accounts({ accounts: list, missing }: AuditReport): Markup {
  if (missing.some(({ what }) => what === 'rbac')) return html`<p>Not known: RBAC could not be read.</p>`
  if (list.length === 0) return html`<p>Nothing of note.</p>`
  const powerful = list.toSorted((a, b) => Number(b.cluster.length > 0) - Number(a.cluster.length > 0))
  const rows = powerful.slice(0, shownRows).map(({ name, cluster, namespaces, furtherNamespaces }) => {
    const single = namespaces.slice(0, 3).map(({ name: where, powers }) => `${powers.join(', ')} in ${where}`)
    const rest = namespaces.length - single.length + furtherNamespaces
    return html`<tr><td>${name}<td>${cluster.join(', ')}<td>${single.join('; ')}${rest > 0 ? ` and in ${rest} more` : ''}</tr>`
  })
  return html`<table><thead><tr><th>Service account<th>Everywhere<th>In single namespaces</thead>${rows}</table>${more(list.length)}`
}

const more = (count: number): Markup =>
  count > shownRows ? html`<p class="faint">and ${count - shownRows} more, which --json has</p>` : nothing
