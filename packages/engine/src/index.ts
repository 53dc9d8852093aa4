/** @packageDocumentation One machine: ledger, lifecycle, templates, pools, recovery. A Backend. */
export type {
  CapacityConfig,
  EngineConfig,
  ImageStore,
  Logger,
  PoolConfig,
  ResolvedImage,
  RuntimeSource,
  TemplateConfig,
} from './config.ts'
export { Engine } from './engine.ts'
export { openEngine } from './open-engine.ts'
