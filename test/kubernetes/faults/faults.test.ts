import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { whyNotHere } from '../../../tools/cluster/test-cluster.ts'
import { Ground } from '../support/ground.ts'
import { badAnswers } from './bad-answers.ts'
import { controlPlaneRestarted } from './control-plane-restarted.ts'
import { inTheWay } from './in-the-way.ts'
import { malformedObjects } from './malformed-objects.ts'
import { operatorKilled } from './operator-killed.ts'
import { podsAndNodesLost } from './pods-and-nodes-lost.ts'
import { twoOperators } from './two-operators.ts'
import { watchesCut } from './watches-cut.ts'

const minutes = 60_000

const reason = await whyNotHere(AbortSignal.timeout(minutes))
if (reason) process.stderr.write(`test/kubernetes/faults is skipped, because ${reason}\n`)

/** All on one cluster, one after the other: each has a namespace, operators and faults of its own. */
describe.skipIf(reason !== undefined)('the operator', () => {
  let opened: Ground
  beforeAll(async () => {
    opened = await Ground.open()
  }, 10 * minutes)
  afterAll(() => opened?.[Symbol.asyncDispose](), 2 * minutes)

  const ground = () => opened
  operatorKilled(ground)
  twoOperators(ground)
  badAnswers(ground)
  watchesCut(ground)
  inTheWay(ground)
  malformedObjects(ground)
  controlPlaneRestarted(ground)
  // The last one: a node does not come back.
  podsAndNodesLost(ground)

  it('keeps no namespace from its end', { timeout: 3 * minutes }, async () => {
    await using _operator = await ground().operator()
    await expect.poll(() => ground().namespacesLeft(), { timeout: 2 * minutes, interval: 500 }).toEqual([])
  })
})
