import { once } from 'node:events'
import { failure, type ImageProgress, routes } from '@bulkhead/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { serverLimits } from './server-limits.ts'
import { errorOf, TestServer } from './testing/test-server.ts'

let server: TestServer
beforeEach(async () => {
  server = await TestServer.start({ onShutdown: () => {} })
})
afterEach(() => server[Symbol.asyncDispose]())

const json = { 'content-type': 'application/json' }

describe('a bad request gets an ErrorBody that names what is wrong', () => {
  it.each([
    [{ memoryBytes: 1024 }, 'memoryBytes'],
    [{ memoryBytes: 0 }, 'memoryBytes'],
    [{ memoryBytes: -1 }, 'memoryBytes'],
    [{ memoryBytes: 1.5 * 1024 ** 3 + 0.5 }, 'memoryBytes'],
    [{ memoryBytes: 10 * 1024 ** 4 }, 'memoryBytes'],
    [{ cpus: '2' }, 'cpus'],
    [{ isolation: 'none' }, 'isolation'],
    [{ runtime: 'runc' }, 'runtime'],
    [{ env: { 'A=B': 'c' } }, 'env.A=B'],
    [{ env: { A: 'nul\0' } }, 'env.A'],
    [{ metadata: { name: 'x'.repeat(5000) } }, 'metadata.name'],
    [{ image: '' }, 'image'],
    [{ deadlineMs: null }, 'deadlineMs'],
    [{ unknownKnob: 1 }, 'body'],
    [[], 'body'],
    ['text', 'body'],
  ])('create %j', async (body, field) => {
    const answer = await server.json(routes.sandboxes, body)
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request', facts: { field } } })
    expect(server.backend.sandboxes.size).toBe(0)
  })

  it.each([
    ['GET', '/nothing/here', 404, 'route_not_found'],
    ['PATCH', routes.sandboxes, 405, 'method_not_allowed'],
    ['POST', routes.sandbox('sb-x'), 405, 'method_not_allowed'],
    ['GET', '/v1/sandboxes/%zz', 400, 'invalid_request'],
    ['GET', `${routes.sandboxes}?ended=perhaps`, 400, 'invalid_request'],
    ['GET', `${routes.runtimes}?unknown=1`, 400, 'invalid_request'],
    ['GET', routes.sandbox('sb-none'), 404, 'sandbox_not_found'],
    ['GET', routes.sandbox('..\n\u0000🙂'), 404, 'sandbox_not_found'],
  ])('%s %s → %i %s', async (method, target, status, code) => {
    const answer = await server.call(target, { method })
    expect(answer.status).toBe(status)
    expect(errorOf(answer)).toMatchObject({ code, status, message: expect.any(String), next: expect.any(String) })
  })

  it.each([
    ['malformed JSON', { headers: json, body: '{"image":' }, 400, 'body'],
    ['an empty body', { headers: json, body: '' }, 400, 'body'],
    ['a prototype', { headers: json, body: '{"__proto__":{"image":"x"}}' }, 400, 'body'],
    ['another media type', { headers: { 'content-type': 'text/plain' }, body: '{}' }, 400, 'content-type'],
  ])('%s', async (_, sent, status, field) => {
    const answer = await server.call(routes.sandboxes, { method: 'POST', ...sent })
    expect(answer.status).toBe(status)
    expect(errorOf(answer)).toMatchObject({ code: 'invalid_request', facts: { field } })
  })

  it('a name over the limit', async () => {
    const answer = await server.call(routes.sandbox('x'.repeat(5000)))
    expect(errorOf(answer)).toMatchObject({ code: 'invalid_request', facts: { field: 'path' } })
  })

  it('a body over the limit', async () => {
    const body = Buffer.alloc(serverLimits.bodyBytes + 1, 'x')
    const answer = await server.call(routes.sandboxes, { method: 'POST', headers: json, body })
    expect(errorOf(answer)).toMatchObject({ code: 'body_too_large', facts: { limitBytes: serverLimits.bodyBytes } })
  })

  it.each([
    ['what is not HTTP', 'hello\r\n\r\n', 400],
    [
      'headers over the limit',
      `GET /health HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(serverLimits.headerBytes)}\r\n\r\n`,
      400,
    ],
    [
      'a request smuggled behind two lengths',
      'POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ])('%s', async (_, bytes, status) => {
    const answer = await server.raw(bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ code: 'invalid_request' })
  })
})

it('an error without a code is told as internal, its reason only in the log', async () => {
  server.backend.list = async () => {
    throw new Error('the secret reason')
  }
  const answer = await server.call(routes.sandboxes)
  expect(errorOf(answer)).toMatchObject({ code: 'internal_error', status: 500 })
  expect(answer.body.toString()).not.toContain('secret')
  await expect.poll(() => server.log.find(({ level }) => level === 'error')?.reason).toContain('the secret reason')
})

describe('sandboxes', () => {
  it('are created, listed, given a deadline and deleted', async () => {
    const { status, body } = await server.json(routes.sandboxes, { metadata: { who: 'me' } })
    expect(status).toBe(201)
    const { id } = body as { id: string }
    expect(JSON.parse((await server.call(routes.sandboxes)).body.toString())).toMatchObject([
      { id, metadata: { who: 'me' } },
    ])
    expect(await server.json(routes.deadline(id), { deadlineMs: 5000 }, 'PUT')).toMatchObject({
      status: 200,
      body: { deadlineAt: expect.any(String) },
    })
    expect((await server.call(routes.sandbox(id), { method: 'DELETE' })).status).toBe(204)
    expect((await server.call(routes.sandbox(id))).status).toBe(404)
  })

  it('one line of the log says how long it took', async () => {
    server.backend.beforeCreated = () => new Promise((resolve) => setTimeout(resolve, 50))
    await server.json(routes.sandboxes, {})
    await expect.poll(() => server.log.find(({ message }) => message === 'sandbox.create')).toBeDefined()
    expect(server.log.find(({ message }) => message === 'sandbox.create')?.durationMs).toBeGreaterThanOrEqual(45)
    expect((await server.call(routes.metrics)).body.toString()).toMatch(
      /operation_duration_seconds_bucket{operation="sandbox.create",le="0.02"} 0\n/
    )
  })

  it('one line of the log says what came of it, and holds no secret', async () => {
    await server.json(routes.sandboxes, { env: { PASSWORD: 'hunter2' }, metadata: { note: 'hunter2' } })
    await expect
      .poll(() => server.log.filter(({ message }) => message === 'sandbox.create'))
      .toMatchObject([
        {
          level: 'info',
          outcome: 'ok',
          image: 'default',
          sandboxId: expect.any(String),
          durationMs: expect.any(Number),
        },
      ])
    expect(JSON.stringify(server.log)).not.toContain('hunter2')
  })

  it('a client that leaves during create aborts it', async () => {
    const begun = Promise.withResolvers<AbortSignal>()
    server.backend.beforeCreated = async (signal) => {
      begun.resolve(signal)
      await once(signal, 'abort')
      throw signal.reason
    }
    const call = server.open(routes.sandboxes, { method: 'POST', headers: json })
    call.end('{}')
    const signal = await begun.promise
    call.destroy()
    await once(signal, 'abort')
    await expect
      .poll(() => server.log.at(-1))
      .toMatchObject({ message: 'sandbox.create', outcome: 'request_cancelled' })
  })

  it('a sandbox that was made although its client had left is deleted', async () => {
    const begun = Promise.withResolvers<AbortSignal>()
    server.backend.beforeCreated = async (signal) => {
      begun.resolve(signal)
      await once(signal, 'abort')
    }
    const call = server.open(routes.sandboxes, { method: 'POST', headers: json })
    call.end('{}')
    await begun.promise
    call.destroy()
    await expect
      .poll(() => server.log.at(-1))
      .toMatchObject({ message: 'sandbox.create', outcome: 'request_cancelled' })
    expect(server.backend.sandboxes.size).toBe(0)
  })

  it('evidence that cannot be had of one is told beside the rest', async () => {
    const { id } = server.backend.add()
    server.backend.add({ state: 'stopped' })
    const answer = JSON.parse((await server.call(routes.evidence)).body.toString())
    expect(answer).toEqual({
      evidence: [],
      failed: [{ sandboxId: id, code: 'guest_unreachable', message: expect.any(String) }],
    })
  })
})

describe('pulling an image', () => {
  const pull = () => server.call(routes.images, { method: 'POST', headers: json, body: '{"reference":"alpine"}' })
  const lines = (body: Buffer): ImageProgress[] =>
    body
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))

  it('streams progress and ends with the image', async () => {
    const image = { digest: 'sha256:2', names: ['alpine'], sizeBytes: 2, createdAt: '2026-01-01T00:00:00Z' }
    server.backend.images.pull = async (_, progress) => {
      progress({ step: 'fetch', fraction: 0.5 })
      return image
    }
    const answer = await pull()
    expect(answer.headers['content-type']).toBe('application/x-ndjson')
    expect(lines(answer.body)).toEqual([
      { step: 'fetch', fraction: 0.5 },
      { step: 'done', fraction: 1, image },
    ])
    await expect
      .poll(() => server.log.at(-1))
      .toMatchObject({ message: 'image.pull', outcome: 'ok', digest: 'sha256:2' })
  })

  it('a failure after the first line is the last line', async () => {
    server.backend.images.pull = async (_, progress) => {
      progress({ step: 'fetch' })
      throw failure('invalid_request', { field: 'layer', problem: 'truncated' })
    }
    expect(lines((await pull()).body).at(-1)).toMatchObject({ step: 'failed', error: { code: 'invalid_request' } })
    await expect.poll(() => server.log.at(-1)).toMatchObject({ message: 'image.pull', outcome: 'invalid_request' })
  })

  it('a failure before it has its own status', async () => {
    server.backend.images.pull = async () => {
      throw failure('invalid_request', { field: 'reference', problem: 'bad' })
    }
    expect((await pull()).status).toBe(400)
  })

  it('progress faster than the client reads is thinned out, not stored', async () => {
    const step = 'x'.repeat(10_000)
    server.backend.images.pull = async (_, progress) => {
      for (let n = 0; n < 10_000; n += 1) progress({ step, fraction: n / 10_000 })
      return { digest: 'sha256:3', names: [], sizeBytes: 3, createdAt: '2026-01-01T00:00:00Z' }
    }
    const got = lines((await pull()).body)
    expect(got.length).toBeLessThan(500)
    expect(got.at(-1)).toMatchObject({ step: 'done' })
  })
})

it('metrics are valid text, without series for foreign names', async () => {
  server.backend.add()
  await server.call(routes.sandbox('sb-not-there'))
  await server.call('/no/such/route')
  await expect
    .poll(async () => (await server.call(routes.metrics)).body.toString())
    .toContain('outcome="route_not_found"')
  const text = (await server.call(routes.metrics)).body.toString()
  expect(text).toContain('bulkhead_operations_total{operation="sandbox.get",outcome="sandbox_not_found"} 1')
  expect(text).toContain('bulkhead_sandboxes{state="running"} 1')
  expect(text).not.toContain('not-there')
  for (const line of text.trimEnd().split('\n'))
    expect(line).toMatch(/^(# (HELP|TYPE) .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+)$/)
})

it('shutdown answers before it ends anything', async () => {
  let asked = 0
  await using other = await TestServer.start({
    onShutdown: () => {
      asked += 1
    },
  })
  expect((await other.call(routes.shutdown, { method: 'POST' })).status).toBe(202)
  await expect.poll(() => asked).toBe(1)
})
