/** The real command line on a server whose evidence is made up: a verdict that is not proof is told, and shows in the exit code. */
import { expect, it } from 'vitest'
import { evidenceOf } from '../testing/evidence-of.ts'
import { FakeServer } from '../testing/fake-server.ts'
import { runs } from '../testing/guest-answers.ts'

const id = evidenceOf('proven').sandboxId

it.each([
  ['proven', 0, 0, ''],
  ['violated', 3, 125, `VIOLATED: ${id} does not have what it was promised; failed: own uid`],
  ['unknown', 4, 125, `UNKNOWN: the inside of ${id} did not answer`],
] as const)(
  '%s: `evidence` exits with %i, `run --evidence` with %i',
  { timeout: 60_000 },
  async (outcome, alone, asPart, told) => {
    await using server = await FakeServer.start()
    server.evidence = evidenceOf(outcome)
    server.guest = { Start: runs(0) }
    const commands = [
      [['evidence'], alone],
      [['evidence', id], alone],
      [['evidence', '--json'], alone],
      [['run', '--evidence', '--', 'x'], asPart],
      [['run', '--evidence', '--json', '--', 'x'], asPart],
    ] as const
    for (const [args, code] of commands) {
      const ended = await server.run(...args).ended
      expect({ args, code: ended.code }).toEqual({ args, code })
      expect(ended.stderr).toContain(told)
      expect(/^ +next /m.test(ended.stderr)).toBe(outcome !== 'proven')
    }
    // However it ended, nothing stays.
    expect(server.calls.at(-1)).toBe('DELETE')
  }
)
