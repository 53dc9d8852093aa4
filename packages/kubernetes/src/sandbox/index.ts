/**
 * @packageDocumentation The controller of Sandboxes: one Pod each, its volumes and its Service, suspension, expiry, and a status that is true.
 */
export { sandboxController } from './sandbox-controller.ts'
