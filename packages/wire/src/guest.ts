/**
 * What the guest agent speaks over the channel: the data protocol (`Process`, `Filesystem`: as the E2B clients know them) and `Guest`,
 * which only the host may call. Generated from `proto/` by `tools/generate.ts`.
 * @packageDocumentation
 */
export * from './gen/bulkhead/guest/v1/guest_pb.ts'
export * from './gen/filesystem/filesystem_pb.ts'
export * from './gen/process/process_pb.ts'
