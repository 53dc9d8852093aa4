import { expect } from 'vitest'

const claim = expect.stringMatching(/^sandbox-claim-[0-9a-f]{8}$/)

const denied = [403, { message: 'Access denied' }]

/** What use_sandbox.py sees when all is well. */
export const seenInASandbox = {
  claim,
  sandbox: expect.any(String),
  status: 'SandboxReady',
  read: 'written\n',
  streamed: 3_000_000,
  equal: true,
  exists: [true, true, true, false],
  list: [['ä b.txt', 'file', 8]],
  root: ['notes', 'rooted.txt', 'streamed.bin'],
  outside: denied,
  links: [denied, true],
  missing: [404, { message: 'File not found' }],
  run: ['written', 'err\n', 3],
  words: 'a  b $HOME ; #\n',
  slow: [1, true],
  unknown: 1,
  again: 'rooted',
  before: [claim],
  after: [],
}
