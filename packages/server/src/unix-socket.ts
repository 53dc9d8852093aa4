import { randomBytes } from 'node:crypto'
import { chmod, link, lstat, mkdir, rename, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import path from 'node:path'
import { failure, isFailure } from '@bulkhead/wire'

/** `sun_path` of unix(7) holds 108 bytes with the final NUL; the name it is made under is longer by a suffix. */
const maxPathBytes = 90

/** Connections not accepted yet; one more gets EAGAIN. The kernel lowers it to net.core.somaxconn. */
const backlog = 4096

/** A socket that `server` listens on. Disposing removes it from the file system if it is still ours; it does not close the server. */
export interface UnixListener extends AsyncDisposable {
  readonly path: string
}

/**
 * Listens on `socketPath`, mode 0600, in a folder only this user can write into (made with 0700 when missing).
 *
 * The socket is made under another name, given its mode, and then linked to its own: nobody ever sees it half made, and of two servers
 * that start together one gets the name. A name whose server has died (it refuses connections) is taken over.
 * Fails `server_already_running`, `socket_unusable`.
 */
export async function listenOnUnixSocket(server: Server, socketPath: string): Promise<UnixListener> {
  const unusable = (reason: string, cause?: unknown) =>
    failure('socket_unusable', { path: socketPath, reason }, { cause })
  if (Buffer.byteLength(socketPath) > maxPathBytes) throw unusable(`the path is longer than ${maxPathBytes} bytes`)
  try {
    await ownFolder(path.dirname(socketPath), unusable)
    const madeAs = `${socketPath}.${randomBytes(4).toString('hex')}`
    await listen(server, madeAs)
    try {
      await chmod(madeAs, 0o600)
      const { ino } = await lstat(madeAs)
      await takeName(madeAs, socketPath)
      return { path: socketPath, [Symbol.asyncDispose]: () => removeIfOurs(socketPath, ino) }
    } catch (error) {
      await new Promise((resolve) => server.close(resolve))
      throw error
    } finally {
      await rm(madeAs, { force: true })
    }
  } catch (error) {
    throw isFailure(error) ? error : unusable(error instanceof Error ? error.message : String(error), error)
  }
}

/** Who may write into the folder may put a socket of his own in our place. */
async function ownFolder(folder: string, unusable: (reason: string) => Error): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { uid, mode } = await lstat(folder)
  if (uid !== process.getuid?.()) throw unusable('its folder belongs to another user')
  if (mode & 0o022) throw unusable('its folder can be written by others')
}

const listen = (server: Server, at: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path: at, backlog }, () => {
      server.removeListener('error', reject)
      resolve()
    })
  })

async function takeName(madeAs: string, name: string): Promise<void> {
  for (;;) {
    if (await linked(madeAs, name)) return
    const seen = await lstat(name).catch(ignoreMissing)
    if (!seen) continue
    if (!seen.isSocket())
      throw failure('socket_unusable', { path: name, reason: 'there is something else of that name' })
    if (await answers(name)) throw failure('server_already_running', { path: name })
    // Between the look and the removal another server may have taken the name; so what is moved away is looked at once more.
    const aside = `${madeAs}.stale`
    await rename(name, aside).catch(ignoreMissing)
    const moved = await lstat(aside).catch(ignoreMissing)
    if (moved && moved.ino !== seen.ino) await linked(aside, name)
    await rm(aside, { force: true })
  }
}

/** False: the name is taken. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

const ignoreMissing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== 'ENOENT') throw error
}

/** Whether a process listens. Anything but a refusal counts as one: a live server with a full queue must not be replaced. */
const answers = (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(socketPath)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', (error: NodeJS.ErrnoException) => {
      probe.destroy()
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    })
  })

async function removeIfOurs(socketPath: string, ino: number): Promise<void> {
  const there = await lstat(socketPath).catch(ignoreMissing)
  if (there?.ino === ino) await rm(socketPath, { force: true })
}
