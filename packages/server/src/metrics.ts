type Labels = Readonly<Record<string, string>>

interface Family {
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly lines: () => Iterable<string>
}

const durationBucketsSeconds = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600] as const

/** `{a="x",b="y"}`, escaped as the text format wants it; empty without labels. */
function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`
  )
  return pairs.length ? `{${pairs.join(',')}}` : ''
}

/** A value per set of labels. Labels come from fixed lists only (operations, error codes): foreign text would grow without bound. */
class Series {
  readonly #values = new Map<string, number>()
  readonly #name: string
  constructor(name: string) {
    this.#name = name
  }
  add(labels: Labels, by = 1): void {
    const key = formatLabels(labels)
    this.#values.set(key, (this.#values.get(key) ?? 0) + by)
  }
  *lines(): Iterable<string> {
    for (const [labels, value] of this.#values) yield `${this.#name}${labels} ${value}`
  }
}

class Histogram {
  readonly #byLabels = new Map<string, { labels: Labels; counts: number[]; sum: number; count: number }>()
  readonly #name: string
  constructor(name: string) {
    this.#name = name
  }
  observe(labels: Labels, seconds: number): void {
    const key = formatLabels(labels)
    let entry = this.#byLabels.get(key)
    if (!entry) {
      entry = { labels, counts: durationBucketsSeconds.map(() => 0), sum: 0, count: 0 }
      this.#byLabels.set(key, entry)
    }
    entry.sum += seconds
    entry.count += 1
    const bucket = durationBucketsSeconds.findIndex((bound) => seconds <= bound)
    if (bucket >= 0) entry.counts[bucket] = (entry.counts[bucket] ?? 0) + 1
  }
  *lines(): Iterable<string> {
    for (const { labels, counts, sum, count } of this.#byLabels.values()) {
      let cumulative = 0
      for (const [index, bound] of durationBucketsSeconds.entries()) {
        cumulative += counts[index] ?? 0
        yield `${this.#name}_bucket${formatLabels({ ...labels, le: String(bound) })} ${cumulative}`
      }
      yield `${this.#name}_bucket${formatLabels({ ...labels, le: '+Inf' })} ${count}`
      yield `${this.#name}_sum${formatLabels(labels)} ${sum}`
      yield `${this.#name}_count${formatLabels(labels)} ${count}`
    }
  }
}

/** What the server counts, in Prometheus' text format (version 0.0.4). Times in seconds, sizes in bytes, as that format's users expect. */
export class Metrics {
  readonly operations = new Series('bulkhead_operations_total')
  readonly durations = new Histogram('bulkhead_operation_duration_seconds')
  readonly guestBytes = new Series('bulkhead_guest_bytes_total')
  openGuestCalls = 0

  readonly #families: Readonly<Record<string, Family>> = {
    bulkhead_operations_total: {
      help: 'Operations that ended, by name and outcome (ok, or the code of the error).',
      type: 'counter',
      lines: () => this.operations.lines(),
    },
    bulkhead_operation_duration_seconds: {
      help: 'How long operations of the control API took.',
      type: 'histogram',
      lines: () => this.durations.lines(),
    },
    bulkhead_guest_bytes_total: {
      help: 'Bytes of bodies that went through the data proxy, by direction (in: to the guest).',
      type: 'counter',
      lines: () => this.guestBytes.lines(),
    },
    bulkhead_guest_calls_open: {
      help: 'Calls to guests that are under way.',
      type: 'gauge',
      lines: () => [`bulkhead_guest_calls_open ${this.openGuestCalls}`],
    },
  }

  /** `sandboxes`: how many are in which state. */
  render(sandboxes: ReadonlyMap<string, number>): string {
    const text: string[] = []
    for (const [name, { help, type, lines }] of Object.entries(this.#families))
      text.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines())
    text.push('# HELP bulkhead_sandboxes Sandboxes by state.', '# TYPE bulkhead_sandboxes gauge')
    for (const [state, count] of sandboxes) text.push(`bulkhead_sandboxes${formatLabels({ state })} ${count}`)
    return `${text.join('\n')}\n`
  }
}
