import { expect, it } from 'vitest'
import type { ExecEnd } from './exec-in-pod.ts'
import { witnessOf } from './probe-pods.ts'

const bootId = '1b4e28ba-2fa1-11d2-883f-0016d3cca427'
const ended = (stdout: string, exitCode = 0): ExecEnd => ({ kind: 'ended', stdout, exitCode })
const refused = (status: number, detail = ''): ExecEnd => ({ kind: 'refused', status, detail })

it('believes what looks like a boot id, and nothing else', () => {
  expect(witnessOf(ended(`${bootId}\n`))).toEqual({ bootId })
  for (const answer of ['', 'boot', `${bootId}\n${bootId}`, bootId.toUpperCase(), `${bootId}\u0000`])
    expect(witnessOf(ended(answer))).toEqual({ silent: 'what it answers is no boot id' })
})

it.each<[ExecEnd, string]>([
  [ended(bootId, 1), 'cat ended with 1'],
  [{ kind: 'notStarted', detail: 'exec: "cat": executable file not found in $PATH' }, 'its image has no cat'],
  [{ kind: 'notStarted', detail: 'whatever' }, 'cat could not be started'],
  [refused(403, 'pods "x" is forbidden'), 'running commands in it (pods/exec) is not permitted'],
  [refused(404), 'it is gone'],
  [
    refused(500, 'error dialing backend: dial tcp 10.0.0.1:10250: connect: refused'),
    'the API server does not reach the kubelet of its node',
  ],
  [
    { kind: 'notStarted', detail: 'error dialing backend: no route' },
    'the API server does not reach the kubelet of its node',
  ],
  [refused(500, '<b>'), 'the API server answered 500'],
  [{ kind: 'broken', detail: 'ECONNRESET' }, 'the connection broke'],
])('says in few words why there is no answer: %j', (end, silent) => expect(witnessOf(end)).toEqual({ silent }))
