import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  label,
  nameHash,
  type SandboxClaim,
  sandboxClaims,
  sandboxes,
} from '../../../packages/kubernetes/src/api/index.ts'
import {
  type ApiClient,
  controllerReference,
  Informer,
  mergePatch,
  type Pod,
  pods,
  type Stored,
  systemClock,
} from '../../../packages/kubernetes/src/controller/index.ts'
import {
  type ControlPlane,
  missingControlPlane,
  openControlPlane,
} from '../../../packages/kubernetes/test/support/control-plane.ts'
import { installLooseKinds } from '../../../packages/kubernetes/test/support/loose-kinds.ts'
import { type RouterProcess, startRouter } from '../../../packages/kubernetes/test/support/router-process.ts'
import { artifactsFolder } from '../../../tools/cluster/programs.ts'
import { installedPaths } from '../../../tools/cluster/test-cluster.ts'
import { ensureSandboxRuntime } from '../../../tools/sandbox-runtime/image.ts'
import { pythonWithSdk, runScript, whyNoSdk } from './python-sdk.ts'
import { seenInASandbox } from './seen.ts'

const minutes = 60_000
const signal = AbortSignal.timeout(30 * minutes)
const namespace = 'default'
const token = 'a-secret'

const reason = missingControlPlane() ?? (await whyNoSdk(signal))
if (reason) process.stderr.write(`skipped: ${reason}\n`)

/**
 * The published SDK, our router and our runtime as processes on this machine, over a real API server. The test plays operator and kubelet: the claim's
 * Sandbox is the one runtime there is.
 */
describe.skipIf(reason !== undefined)('the published SDK, on one machine', () => {
  const undo = new AsyncDisposableStack()
  let plane: ControlPlane
  let router: RouterProcess
  let runtimePort: number

  beforeAll(async () => {
    plane = undo.use(await openControlPlane())
    const { client } = undo.use(await plane.client())
    await installLooseKinds(client)
    undo.use(playOperator(client))
    runtimePort = await startRuntime(undo)
    router = undo.use(await startRouter(plane.kubeconfig, { ROUTER_AUTH_TOKEN: token }))
  }, 10 * minutes)
  afterAll(() => undo.disposeAsync())

  const use = async (...way: string[]) =>
    runScript(await pythonWithSdk(signal), 'use_sandbox.py', {
      args: [namespace, 'pool', ...way],
      env: { PATH: process.env.PATH, HOME: path.dirname(plane.kubeconfig), KUBECONFIG: plane.kubeconfig },
      signal,
    })

  it('claims a sandbox, works in it and ends it', async () => {
    const seen = await use('direct', `http://127.0.0.1:${router.port}`, String(runtimePort), token)
    expect(seen).toEqual(seenInASandbox)
  })

  it('is not let in without the token', async () => {
    await expect(use('direct', `http://127.0.0.1:${router.port}`, String(runtimePort))).rejects.toThrow('401')
  })
})

/** Binds each claim to a Sandbox with a Pod at this machine's loopback, and takes them away with it. */
function playOperator(client: ApiClient): AsyncDisposable {
  const claims = new Informer<SandboxClaim>({ client, type: sandboxClaims, clock: systemClock })
  claims.onChange(({ type, object }) => {
    const { name } = object.metadata
    if (type === 'added') void bind(client, object)
    if (type === 'deleted') void client.delete(sandboxes, { namespace, name })
  })
  claims.start()
  return claims
}

async function bind(client: ApiClient, claim: Stored<SandboxClaim>): Promise<void> {
  const { name } = claim.metadata
  const at = { namespace, name }
  const podTemplate = { spec: { containers: [{ name: 'main', image: 'none' }] } }
  const sandbox = await client.create(sandboxes, { metadata: at, spec: { podTemplate } })
  await client.create(pods, {
    metadata: {
      ...at,
      labels: { [label.sandboxNameHash]: nameHash(name) },
      ownerReferences: [controllerReference(sandboxes, sandbox)],
    },
    spec: { ...podTemplate.spec, nodeName: 'none' },
  } as Pod)
  const ip = '127.0.0.1'
  const set = { subresource: 'status' }
  await client.patch(pods, at, mergePatch({ status: { phase: 'Running', podIP: ip, podIPs: [{ ip }] } }), set)
  const conditions = [
    { type: 'Ready', status: 'True', reason: 'DependenciesReady', message: 'Pod is Ready', lastTransitionTime: now() },
  ]
  // An address of nobody: the SDK sends it along, and the router knows better.
  await client.patch(sandboxes, at, mergePatch({ status: { conditions, podIPs: ['10.255.255.1'] } }), set)
  await client.patch(sandboxClaims, at, mergePatch({ status: { conditions, sandbox: { name } } }), set)
}

const now = () => new Date().toISOString()

/** Returns its port. */
async function startRuntime(undo: AsyncDisposableStack): Promise<number> {
  const { program } = await ensureSandboxRuntime(artifactsFolder(installedPaths()), signal)
  const base = await mkdtemp('/var/tmp/bulkhead-sandbox-base-')
  undo.defer(() => rm(base, { recursive: true, force: true }))
  const child = spawn(program, ['--listen', '127.0.0.1:0'], {
    env: { PATH: process.env.PATH, SANDBOX_BASE_DIR: base },
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  const ended = once(child, 'close')
  undo.defer(async () => {
    child.kill()
    await ended
  })
  const [line] = (await once(createInterface({ input: child.stderr }), 'line')) as [string]
  return Number(/:(\d+)$/.exec(line)?.[1])
}
