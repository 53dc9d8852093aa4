import { hash } from 'node:crypto'
import { mkdirSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { failure } from '@bulkhead/wire/errors'
import { sourceDirectory } from './source-directory.ts'

/** Where one installation keeps its things. Two state folders share nothing: no run folder, no cgroup, no uid. */
export interface Paths {
  /** This checkout. */
  readonly source: string
  /** What outlives a reboot: artefacts, images, templates, ledger, logs. */
  readonly state: string
  /** What does not: sockets and a folder per kernel. Short, because a Unix socket's path has 108 bytes. */
  readonly run: string
  readonly serverSocket: string
  /** Who serves on the socket, written by the server: see `server/running-server.ts`. */
  readonly serverRecord: string
  readonly serverLog: string
  /** Name of the parent cgroup. */
  readonly cgroupRoot: string
  /** First of the 8192 host uids that this installation's kernels run as. */
  readonly uidBase: number
}

/** uids above those of users, containers (subuid ranges start at 100000) and systemd's dynamic ones; below 2^31. */
const uids = { first: 1_900_000_000, each: 8192, ranges: 8192 } as const

/**
 * Makes the state folder when it is not there (mode 0711: kernels run under uids of their own and must get at what is theirs): its real path is what
 * everything else is named after. Fails `state_unusable`.
 */
export function resolvePaths(stateDirectory: string | undefined, env: NodeJS.ProcessEnv, uid: number): Paths {
  const state = makeReal(stateDirectory ?? join(stateParent(env, uid), 'bulkhead'))
  const digest = hash('sha256', state)
  const name = `bulkhead-${digest.slice(0, 8)}`
  const run = join(runParent(env, uid), name)
  return Object.freeze({
    source: sourceDirectory,
    state,
    run,
    serverSocket: join(run, 'server.sock'),
    serverRecord: join(run, 'server.json'),
    serverLog: join(state, 'server.log'),
    cgroupRoot: name,
    uidBase: uids.first + (Number.parseInt(digest.slice(8, 12), 16) % uids.ranges) * uids.each,
  })
}

/** Not root's home: other uids cannot enter it. */
function stateParent(env: NodeJS.ProcessEnv, uid: number): string {
  if (env.XDG_STATE_HOME) return env.XDG_STATE_HOME
  return uid === 0 ? '/var/lib' : join(homedir(), '.local', 'state')
}

function runParent(env: NodeJS.ProcessEnv, uid: number): string {
  if (uid === 0) return '/run'
  if (env.XDG_RUNTIME_DIR) return env.XDG_RUNTIME_DIR
  throw failure('invalid_request', {
    field: 'XDG_RUNTIME_DIR',
    problem: 'is not set: without root the sockets are kept there (log in as that user, or set it to a private folder)',
  })
}

function makeReal(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o711 })
    return realpathSync(path)
  } catch (cause) {
    throw failure('state_unusable', { path, reason: cause instanceof Error ? cause.message : String(cause) }, { cause })
  }
}
