/** One sandbox: whose it is, and where. */
export interface PlacedSandbox {
  readonly tenant: string
  readonly node: string
}

/** A sparse table in both orders: how many sandboxes of which tenant are on which node. Rows `from[i]` to `from[i + 1]`. */
export interface Occupancy {
  readonly tenants: number
  readonly nodes: number
  /** Sandboxes of each tenant that run. */
  readonly sizes: Int32Array
  readonly byTenant: Rows
  readonly byNode: Rows
}

export interface Rows {
  readonly from: Int32Array
  /** The node, or the tenant, of each entry. */
  readonly other: Int32Array
  readonly count: Int32Array
}

/** Of sandboxes by number; those on node -1 run nowhere and do not count. */
export function occupancyOf(tenantOf: Int32Array, nodeOf: Int32Array, tenants: number, nodes: number): Occupancy {
  const sizes = new Int32Array(tenants)
  for (const [sandbox, tenant] of tenantOf.entries()) if ((nodeOf[sandbox] as number) >= 0) (sizes[tenant] as number)++
  const cells = countCells(tenantOf, nodeOf, tenants, nodes)
  return { tenants, nodes, sizes, byTenant: cells, byNode: turned(cells, nodes) }
}

export interface NamedOccupancy extends Occupancy {
  readonly tenantNames: readonly string[]
  readonly nodeNames: readonly string[]
}

export function occupancyOfSandboxes(sandboxes: readonly PlacedSandbox[]): NamedOccupancy {
  const tenants = numbered(sandboxes.map(({ tenant }) => tenant))
  const nodes = numbered(sandboxes.map(({ node }) => node))
  const occupancy = occupancyOf(tenants.numbers, nodes.numbers, tenants.names.length, nodes.names.length)
  return { ...occupancy, tenantNames: tenants.names, nodeNames: nodes.names }
}

function numbered(values: readonly string[]): { readonly numbers: Int32Array; readonly names: string[] } {
  const names = [...new Set(values)].sort()
  const numberOf = new Map(names.map((name, at) => [name, at]))
  return { numbers: Int32Array.from(values, (value) => numberOf.get(value) as number), names }
}

function countCells(tenantOf: Int32Array, nodeOf: Int32Array, tenants: number, nodes: number): Rows {
  const keys = new Float64Array(nodeOf.reduce((placed, node) => placed + (node < 0 ? 0 : 1), 0))
  let filled = 0
  for (const [sandbox, node] of nodeOf.entries()) {
    if (node >= 0) keys[filled++] = (tenantOf[sandbox] as number) * nodes + node
  }
  keys.sort()
  const from = new Int32Array(tenants + 1)
  const other = new Int32Array(keys.length)
  const count = new Int32Array(keys.length)
  let cells = 0
  for (const [at, key] of keys.entries()) {
    if (at > 0 && key === keys[at - 1]) (count[cells - 1] as number)++
    else {
      const tenant = Math.floor(key / nodes)
      other[cells] = key - tenant * nodes
      count[cells++] = 1
      ;(from[tenant + 1] as number)++
    }
  }
  accumulate(from)
  return { from, other: other.subarray(0, cells), count: count.subarray(0, cells) }
}

/** The same cells in rows of the other kind, of which there are `rows`. */
function turned(cells: Rows, rows: number): Rows {
  const from = new Int32Array(rows + 1)
  for (const row of cells.other) (from[row + 1] as number)++
  accumulate(from)
  const next = from.slice()
  const other = new Int32Array(cells.other.length)
  const count = new Int32Array(cells.other.length)
  for (let line = 0; line + 1 < cells.from.length; line++) {
    for (let cell = cells.from[line] as number; cell < (cells.from[line + 1] as number); cell++) {
      const row = cells.other[cell] as number
      const at = next[row] as number
      next[row] = at + 1
      other[at] = line
      count[at] = cells.count[cell] as number
    }
  }
  return { from, other, count }
}

function accumulate(from: Int32Array): void {
  for (let at = 1; at < from.length; at++) from[at] = (from[at] as number) + (from[at - 1] as number)
}
