import { badAnswers } from './bad-answers.ts'
import { onGround } from './on-ground.ts'
import { operatorKilled } from './operator-killed.ts'
import { twoOperators } from './two-operators.ts'

await onGround('the operator', operatorKilled, twoOperators, badAnswers)
