import {
  type Attributes,
  context as activeContext,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'

/** Spans go wherever the process registered OpenTelemetry to send them; without that, nothing is recorded. */
const tracer = trace.getTracer('@bulkhead/kubernetes')

/** Runs `work` in a span of its own; its failure is the span's. */
export function traced<Result>(
  name: string,
  kind: 'internal' | 'client',
  attributes: Attributes,
  work: () => Promise<Result>
): Promise<Result> {
  const spanKind = kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL
  return tracer.startActiveSpan(name, { kind: spanKind, attributes }, async (span) => {
    try {
      return await work()
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) })
      throw error
    } finally {
      span.end()
    }
  })
}

/** The headers that carry the active span to the API server; empty when nothing is traced. */
export function traceHeaders(): Record<string, string> {
  const headers: Record<string, string> = {}
  propagation.inject(activeContext.active(), headers)
  return headers
}
