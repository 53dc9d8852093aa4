import { controlPlaneRestarted } from './control-plane-restarted.ts'
import { inTheWay } from './in-the-way.ts'
import { malformedObjects } from './malformed-objects.ts'
import { onGround } from './on-ground.ts'
import { podsAndNodesLost } from './pods-and-nodes-lost.ts'
import { watchesCut } from './watches-cut.ts'

// The last one: a node does not come back.
await onGround('the operator', watchesCut, inTheWay, malformedObjects, controlPlaneRestarted, podsAndNodesLost)
