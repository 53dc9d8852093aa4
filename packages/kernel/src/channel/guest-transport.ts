import type { ClientHttp2Session } from 'node:http2'
import type { Transport } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-node'

/** No single message of the guest's is larger; the guest is hostile. */
const maxAnswerBytes = 64 * 1024

/** Connect over a session that is open already, with these headers in every request. */
export function guestTransport(session: ClientHttp2Session, headers: Readonly<Record<string, string>>): Transport {
  return createConnectTransport({
    baseUrl: 'http://guest',
    httpVersion: '2',
    acceptCompression: [],
    readMaxBytes: maxAnswerBytes,
    sessionManager: {
      authority: 'http://guest',
      request: async (method, path, own, options) =>
        session.request({ ...own, ':method': method, ':path': path }, options),
      notifyResponseByteRead: () => {},
    },
    interceptors: [
      (next) => (request) => {
        for (const [name, value] of Object.entries(headers)) request.header.set(name, value)
        return next(request)
      },
    ],
  })
}
