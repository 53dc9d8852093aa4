import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import type { EntryInfo } from '@bulkhead/wire/filesystem'
import { maxReplyBytes, readAll } from '../http/read-all.ts'
import { guestFailure } from '../rpc/guest-failure.ts'
import type { RpcClient } from '../rpc/rpc-client.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import type { GuestHttp } from './guest-http.ts'

const maxReadBytes = 512 * 1024 * 1024

export interface FileOptions {
  /** Acts with the rights of this user; default: the sandbox's. Relative paths are below that user's home. */
  readonly user?: string
  readonly signal?: AbortSignal
}

export interface FileEntry {
  readonly name: string
  /** Absolute. */
  readonly path: string
  /** Of a symbolic link: of what it points to; `symlink` when that is missing. */
  readonly type: 'file' | 'directory' | 'symlink' | 'other'
  readonly sizeBytes: number
  /** Permission bits, as chmod takes them. */
  readonly mode: number
  readonly owner: string
  readonly group: string
  readonly modifiedAt: Date | undefined
  readonly symlinkTarget: string | undefined
}

/** Files of a sandbox. All methods fail `guest_call_failed` (`facts.rpcCode`: not_found, permission_denied, …). */
export class Files {
  readonly #http: GuestHttp
  readonly #rpc: () => Promise<RpcClient>

  constructor(http: GuestHttp, rpc: () => Promise<RpcClient>) {
    this.#http = http
    this.#rpc = rpc
  }

  /** Whole. Fails `answer_invalid` for more than 512 MiB, whatever the guest says the file's size is: for what may be large there is `readStream`. */
  async read(path: string, options?: FileOptions): Promise<Uint8Array> {
    return readAll(await this.readStream(path, options), 'files.read', maxReadBytes)
  }

  async readText(path: string, options?: FileOptions): Promise<string> {
    return new TextDecoder().decode(await this.read(path, options))
  }

  /** `range`: bytes, the last one included. */
  async readStream(
    path: string,
    { user, signal, range }: FileOptions & { range?: { first: number; last?: number } } = {}
  ): Promise<AsyncIterable<Uint8Array>> {
    const headers = range && { range: `bytes=${range.first}-${range.last ?? ''}` }
    const query = { path, username: user }
    const { body } = await this.#http.send('files.read', {
      method: 'GET',
      route: '/files',
      query,
      signal,
      ...(headers && { headers }),
    })
    return body
  }

  /** Makes the file, and folders above it; replaces what it held. */
  async write(
    path: string,
    content: Uint8Array | string | AsyncIterable<Uint8Array>,
    { user, signal }: FileOptions = {}
  ): Promise<void> {
    const response = await this.#http.send('files.write', {
      method: 'POST',
      route: '/files',
      query: { path, username: user },
      headers: { 'content-type': 'application/octet-stream' },
      body: typeof content === 'string' ? new TextEncoder().encode(content) : content,
      signal,
    })
    await readAll(response.body, 'files.write', maxReplyBytes)
  }

  async stat(path: string, options?: FileOptions): Promise<FileEntry> {
    const { stat } = await methods()
    return entryOf((await this.#call('files.stat', stat, { path }, options)).entry, path)
  }

  async exists(path: string, options?: FileOptions): Promise<boolean> {
    const { stat } = await methods()
    const rpc = await this.#rpc()
    try {
      await rpc.unary(stat, { path }, options)
      return true
    } catch (error) {
      if (error instanceof RpcError && error.code === 'not_found') return false
      throw guestFailure(error, 'files.exists')
    }
  }

  /** `depth`: levels below `path`; default 1. */
  async list(path: string, { depth = 1, ...options }: FileOptions & { depth?: number } = {}): Promise<FileEntry[]> {
    const { listDir } = await methods()
    const { entries } = await this.#call('files.list', listDir, { path, depth }, options)
    return entries.map((entry) => entryOf(entry, path))
  }

  /** With the folders above it. */
  async makeDirectory(path: string, options?: FileOptions): Promise<void> {
    const { makeDir } = await methods()
    await this.#call('files.makeDirectory', makeDir, { path }, options)
  }

  async move(source: string, destination: string, options?: FileOptions): Promise<void> {
    const { move } = await methods()
    await this.#call('files.move', move, { source, destination }, options)
  }

  /** With everything below. */
  async remove(path: string, options?: FileOptions): Promise<void> {
    const { remove } = await methods()
    await this.#call('files.remove', remove, { path }, options)
  }

  async #call<I extends DescMessage, O extends DescMessage>(
    operation: string,
    method: DescMethodUnary<I, O>,
    input: MessageInitShape<I>,
    options?: FileOptions
  ): Promise<MessageShape<O>> {
    const rpc = await this.#rpc()
    try {
      return await rpc.unary(method, input, options)
    } catch (error) {
      throw guestFailure(error, operation)
    }
  }
}

/** Loaded when first needed: most runs move no single file. */
const methods = async () => (await import('@bulkhead/wire/filesystem')).Filesystem.method

const types: Readonly<Record<number, FileEntry['type']>> = { 1: 'file', 2: 'directory', 3: 'symlink' }

function entryOf(entry: EntryInfo | undefined, asked: string): FileEntry {
  return {
    name: entry?.name ?? '',
    path: entry?.path ?? asked,
    type: types[entry?.type ?? 0] ?? 'other',
    sizeBytes: Number(entry?.size ?? 0),
    mode: entry?.mode ?? 0,
    owner: entry?.owner ?? '',
    group: entry?.group ?? '',
    modifiedAt:
      entry?.modifiedTime && new Date(Number(entry.modifiedTime.seconds) * 1000 + entry.modifiedTime.nanos / 1e6),
    symlinkTarget: entry?.symlinkTarget,
  }
}
