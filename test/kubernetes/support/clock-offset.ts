/**
 * Loaded into a process before its program (`node --import`): its wall clock is off by BULKHEAD_TEST_CLOCK_OFFSET_MS. Only what asks JavaScript for
 * the time sees it; the monotonic clock, timers, TLS and file systems do not, as on a machine whose clock is wrong.
 */
const offsetMs = Number(process.env.BULKHEAD_TEST_CLOCK_OFFSET_MS)
if (!Number.isFinite(offsetMs)) throw new TypeError('BULKHEAD_TEST_CLOCK_OFFSET_MS is no number')

const TrueDate = Date
globalThis.Date = new Proxy(TrueDate, {
  construct: (target, args: unknown[], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [TrueDate.now() + offsetMs] : args, newTarget),
  apply: () => new TrueDate(TrueDate.now() + offsetMs).toString(),
  get: (target, property, receiver) =>
    property === 'now' ? () => TrueDate.now() + offsetMs : Reflect.get(target, property, receiver),
})
