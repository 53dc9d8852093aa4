export type {
  CreateSandboxInput,
  Evidence,
  EvidenceOfAll,
  Image,
  ImageProgress,
  RuntimeReport,
  Sandbox as SandboxInfo,
} from '@bulkhead/wire'
export { BulkheadError, type ErrorCode, isFailure } from '@bulkhead/wire/errors'
export { Bulkhead } from './bulkhead.ts'
export type { FileEntry, FileOptions, Files } from './files/files.ts'
export type { Tree } from './files/tree.ts'
export { BoundedBuffer } from './http/bounded-buffer.ts'
export type { HttpClient, HttpRequest, HttpResponse } from './http/http-client.ts'
export type { Images } from './images.ts'
export type { ProcessInfo } from './process/list-processes.ts'
export type { ProcessExit } from './process/process-exit.ts'
export type { OutputSink, ProcessHandle } from './process/process-handle.ts'
export type { RunOptions, RunResult } from './process/run-process.ts'
export type { SignalName } from './process/signals.ts'
export type { StartOptions } from './process/start-process.ts'
export type { Sandbox } from './sandbox.ts'
export type { Sandboxes } from './sandboxes.ts'
