import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import type { Scratch } from './scratch.ts'

export interface Registry {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  /** Where its blobs lie: `docker/registry/v2/blobs/sha256/ab/abcd…/data`. */
  readonly storage: string
  stop(): Promise<void>
}

/** Debian's docker-registry on a free loopback port. `htpasswd`: lines with bcrypt hashes; then nothing goes without a login. */
export async function startRegistry(scratch: Scratch, htpasswd?: string): Promise<Registry> {
  const folder = await scratch.folder(`registry-${Math.random().toString(36).slice(2)}`)
  const storage = `${folder}/storage`
  await mkdir(storage)
  const address = `127.0.0.1:${await freePort()}`
  const auth = htpasswd === undefined ? {} : { auth: { htpasswd: { realm: 'test', path: `${folder}/htpasswd` } } }
  if (htpasswd !== undefined) await writeFile(`${folder}/htpasswd`, htpasswd)
  const config = { version: 0.1, storage: { filesystem: { rootdirectory: storage } }, http: { addr: address }, ...auth }
  // JSON is YAML.
  await writeFile(`${folder}/config.yml`, JSON.stringify(config))
  const child = spawn('docker-registry', ['serve', `${folder}/config.yml`], { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(child, 'exit')
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`docker-registry ended with ${code}`)))
    createInterface({ input: child.stderr }).on('line', (line) => line.includes('listening on') && resolve())
  })
  const stop = async () => {
    child.kill('SIGKILL')
    await ended
  }
  scratch.defer(stop)
  return { address, storage, stop }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
