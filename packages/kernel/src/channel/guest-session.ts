import { once } from 'node:events'
import { type ClientHttp2Session, connect } from 'node:http2'
import type { Socket } from 'node:net'

const MiB = 1024 * 1024

/** What one stream may have on its way to us, unread. */
const streamWindowBytes = MiB
/**
 * What all streams together may. So large that a hundred unread streams never stop the next one; the memory it can cost is bounded by the
 * streams' own windows.
 */
const connectionWindowBytes = 1024 * MiB

/** What a guest may make us keep or do; beyond it the session ends. Not all of them are in Node's types. */
const hostileGuestLimits = {
  maxHeaderListPairs: 64,
  maxReservedRemoteStreams: 0,
  maxSessionInvalidFrames: 16,
  maxSessionRejectedStreams: 16,
  maxOutstandingPings: 4,
  maxSettings: 16,
  // MB (10^6), of the session and of what its open streams have buffered; beyond it new streams are refused.
  maxSessionMemory: 256,
}

/**
 * The HTTP/2 session over a stream whose handshake is done; it owns the socket from now on. It must be a real `net.Socket`: over a JavaScript
 * duplex each round trip costs a millisecond more. The guest is hostile: what it may make us keep or do is bounded here, once for all uses.
 */
export async function openGuestSession(socket: Socket, signal: AbortSignal): Promise<ClientHttp2Session> {
  const session = connect('http://guest', {
    createConnection: () => socket,
    settings: { initialWindowSize: streamWindowBytes, enablePush: false, maxHeaderListSize: 64 * 1024 },
    ...hostileGuestLimits,
  })
  // Its end is told by 'close'; without a listener the reason would end this process. Whoever has a request in flight is told by its stream.
  session.on('error', () => {})
  try {
    await once(session, 'connect', { signal })
    session.setLocalWindowSize(connectionWindowBytes)
    return session
  } catch (error) {
    session.destroy()
    throw signal.aborted ? signal.reason : error
  }
}
