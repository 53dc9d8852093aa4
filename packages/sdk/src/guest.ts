/** Everything that needs protobuf, in one module, so that it can be loaded in one go and late. */
export { listProcesses } from './process/list-processes.ts'
export { runProcess } from './process/run-process.ts'
export { followProcess, startProcess } from './process/start-process.ts'
export { RpcClient } from './rpc/rpc-client.ts'
