import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { hasEnded } from '@bulkhead/sandbox'
import { Background } from './background.ts'
import { BootSlots } from './boot-slots.ts'
import { Capacity, capacityDefaults } from './capacity.ts'
import type { EngineConfig } from './config.ts'
import { Engine } from './engine.ts'
import { Witnesses } from './evidence.ts'
import { guard } from './guard.ts'
import { ImageUse } from './image-use.ts'
import { Ledger } from './ledger/ledger.ts'
import type { SandboxRow } from './ledger/sandbox-table.ts'
import { Lifecycle } from './lifecycle.ts'
import { Pools } from './pools.ts'
import { recover } from './recovery.ts'
import { Runtimes } from './runtimes.ts'
import { freeze, Starter } from './starter.ts'
import { Templates } from './templates.ts'

const GiB = 1024 ** 3
const minuteMs = 60_000
const defaults = {
  uidSlots: 4096,
  pool: { size: 1, quietMs: 200, idleMs: 10 * minuteMs },
  templates: { maxBytes: 8 * GiB },
  keepEndedMs: 60 * minuteMs,
  keepEnded: 1000,
} as const

/**
 * Opens the state folder, takes over what runs, removes what an earlier server left half-made, and serves.
 * Fails `state_in_use`, `state_too_new`, `disk_full`. An abort leaves the sandboxes to the next engine.
 */
export function openEngine(config: EngineConfig, signal: AbortSignal): Promise<Engine> {
  return guard('open the state folder', { stateDirectory: config.stateDirectory, signal }, () => open(config, signal))
}

async function open(config: EngineConfig, signal: AbortSignal): Promise<Engine> {
  const { stateDirectory, runRoot, log } = config
  signal.throwIfAborted()
  await using undo = new AsyncDisposableStack()
  const ledger = Ledger.open(stateDirectory)
  undo.defer(() => ledger.close({ clean: false }))
  const sandboxesDirectory = join(stateDirectory, 'sandboxes')
  const templatesDirectory = join(stateDirectory, 'templates')
  for (const folder of [sandboxesDirectory, templatesDirectory]) mkdirSync(folder, { recursive: true, mode: 0o711 })

  const background = new Background(log)
  const runtimes = new Runtimes(config.runtimes)
  const capacityConfig = { ...capacityDefaults(availableParallelism()), ...config.capacity }

  /** The parts that follow what happens to sandboxes; those that are made last are named here first. */
  const changed = (row: SandboxRow) => {
    engine?.rearm()
    if (!hasEnded(row.state)) return
    pools.forget(row.id)
    witnesses.forget(row.id)
    ledger.restoreBallast()
    // Each may hold hundreds of kilobytes of its caller's data.
    ledger.sandboxes.keepNewest(config.keepEnded ?? defaults.keepEnded)
    if (row.template) background.run('template.collect', () => templates.collect())
  }
  const lifecycle = new Lifecycle({
    ledger,
    stateDirectory,
    uidBase: config.uidBase,
    uidSlots: config.uidSlots ?? defaults.uidSlots,
    log,
    changed,
  })
  undo.defer(() => lifecycle.release())
  const templates: Templates = new Templates({
    ledger,
    directory: templatesDirectory,
    maxBytes: config.templates?.maxBytes ?? defaults.templates.maxBytes,
    log,
    freeze: (shape, into, flight) => freeze(lifecycle, starter, shape, into, flight),
  })
  const starter: Starter = new Starter({
    runtimes,
    templates,
    slots: new BootSlots({ parallel: capacityConfig.parallelStarts, waiting: capacityConfig.waitingStarts }),
    capacity: new Capacity(capacityConfig, stateDirectory),
    giveWay: async () => (await pools.drain()) > 0,
    log,
  })
  const pools: Pools = new Pools({ ...defaults.pool, ...config.pool, lifecycle, starter, log })
  const witnesses = new Witnesses({ ledger, lifecycle, runRoot, log })
  const images = new ImageUse({
    store: config.images,
    ledger,
    stateDirectory,
    removed: async (digest) => {
      templates.retireImage(digest)
      await pools.drain((shape) => shape.image.digest === digest)
      await templates.collect()
    },
  })
  let engine: Engine | undefined

  await recover({ ledger, lifecycle, runtimes, templates, sandboxesDirectory, log }, signal)
  engine = new Engine({
    stateDirectory,
    keepEndedMs: config.keepEndedMs ?? defaults.keepEndedMs,
    ledger,
    lifecycle,
    runtimes,
    starter,
    pools,
    images,
    witnesses,
    log,
    background: {
      idle: async () => {
        await runtimes.idle()
        await templates.idle()
        await background.idle()
      },
    },
  })
  undo.move()
  return engine
}
