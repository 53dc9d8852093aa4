/** @packageDocumentation HTTP in front of a Backend: the control API, and the data proxy that streams calls through to guests. */
export type { IdleOptions } from './idle-watch.ts'
export type { Logger } from './operation-log.ts'
export { type RunningServer, type ServerOptions, startServer } from './start-server.ts'
