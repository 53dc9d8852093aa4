/** @packageDocumentation The way to a guest agent, for those who have a byte stream to one and no kernel of this machine. */
export { GuestChannel, type GuestChannelOptions } from './guest-channel.ts'
export { GuestControl } from './guest-control.ts'
export { insideView } from './inside-view.ts'
