import { failure } from '@bulkhead/wire/errors'
import { maxReplyBytes, readAll } from '../http/read-all.ts'
import type { FileOptions } from './files.ts'
import type { GuestHttp } from './guest-http.ts'

/** The agent's word for why a stream of its ended before tar's end marker. */
const errorTrailer = 'x-tree-error'

/** Folders in and out of a sandbox, as tar streams in constant memory. */
export class Tree {
  readonly #http: GuestHttp

  constructor(http: GuestHttp) {
    this.#http = http
  }

  /** Unpacks a tar stream into the folder `path`, which is made. */
  async upload(
    path: string,
    tar: AsyncIterable<Uint8Array> | Uint8Array,
    { user, signal }: FileOptions = {}
  ): Promise<void> {
    const response = await this.#http.send('tree.upload', {
      method: 'PUT',
      route: '/tree',
      query: { path, username: user },
      headers: { 'content-type': 'application/x-tar' },
      body: tar,
      signal,
    })
    await readAll(response.body, 'tree.upload', maxReplyBytes)
  }

  /** The content of a folder, or a single file. The stream fails when the guest could not read all of it. */
  async download(path: string, { user, signal }: FileOptions = {}): Promise<AsyncIterable<Uint8Array>> {
    const response = await this.#http.send('tree.download', {
      method: 'GET',
      route: '/tree',
      query: { path, username: user },
      signal,
    })
    async function* whole() {
      yield* response.body
      const detail = response.trailer(errorTrailer)
      if (detail !== undefined)
        throw failure('guest_call_failed', { operation: 'tree.download', rpcCode: 'internal', detail })
    }
    return whole()
  }
}
