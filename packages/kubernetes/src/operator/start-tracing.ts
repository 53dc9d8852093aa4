import { context, propagation, trace } from '@opentelemetry/api'
import { build } from './metrics/build-info.ts'

/**
 * Sends spans by OTLP over HTTP (protobuf), as the standard variables say: `OTEL_EXPORTER_OTLP_ENDPOINT` (default http://localhost:4318), `_HEADERS`,
 * `_TIMEOUT`, `OTEL_SERVICE_NAME`. OpenTelemetry's SDK is loaded here, because without tracing nobody should pay for it. Disposing sends
 * what waits.
 */
export async function startTracing(env: Readonly<Record<string, string | undefined>>): Promise<AsyncDisposable> {
  const [{ AsyncLocalStorageContextManager }, { W3CTraceContextPropagator }, { OTLPTraceExporter }, resources, sdk] =
    await Promise.all([
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/core'),
      import('@opentelemetry/exporter-trace-otlp-proto'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/sdk-trace'),
    ])
  const resource = resources.defaultResource().merge(
    resources.resourceFromAttributes({
      'service.name': env.OTEL_SERVICE_NAME ?? 'agent-sandbox-controller',
      'service.version': build.version,
      ...(env.POD_NAME && { 'service.instance.id': env.POD_NAME }),
    })
  )
  const provider = new sdk.TracerProvider({
    resource,
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  })
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(provider)
  return { [Symbol.asyncDispose]: () => provider.shutdown() }
}
