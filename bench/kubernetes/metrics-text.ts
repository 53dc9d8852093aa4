/** One line of what a `/metrics` endpoint says. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The samples of one metric in Prometheus' text format; escapes in label values are left as they are. */
export function samplesOf(text: string, metric: string): Sample[] {
  const samples: Sample[] = []
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at)
    const stop = end < 0 ? text.length : end
    // Megabytes of other metrics are passed over without a copy.
    if (text.startsWith(metric, at)) {
      const sample = parseSample(text.slice(at + metric.length, stop))
      if (sample) samples.push(sample)
    }
    at = stop + 1
  }
  return samples
}

export const total = (samples: readonly Sample[]): number => samples.reduce((sum, { value }) => sum + value, 0)

/** `{a="b",c="d"} 12` or ` 12`; undefined for what follows a longer name. */
function parseSample(rest: string): Sample | undefined {
  const parts = /^(?:\{(.*)\})? ([^ ]+)(?: \d+)?$/.exec(rest)
  if (!parts) return undefined
  const labels = [...(parts[1] ?? '').matchAll(/([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g)]
  return { labels: Object.fromEntries(labels.map(([, name, value]) => [name, value])), value: Number(parts[2]) }
}
