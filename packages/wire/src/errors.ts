/**
 * The one table of errors. A code is stable and is what callers match on; the message carries the facts; `next` says what to do.
 * Everything that reaches a user (an exit of the CLI, a response of the server, an entry in the ledger) is a {@link BulkheadError}.
 */

/** The error as it crosses a process boundary. The cause stays behind, in the log. */
export interface ErrorBody {
  readonly code: ErrorCode
  readonly status: number
  readonly message: string
  readonly next: string
  readonly facts: Readonly<Record<string, unknown>>
}

interface Definition<Facts> {
  /** HTTP status of the response that carries it. */
  readonly status: number
  readonly message: (facts: Facts) => string
  readonly next: (facts: Facts) => string
}

const define = <Facts>(
  status: number,
  message: (facts: Facts) => string,
  next: string | ((facts: Facts) => string)
): Definition<Facts> => ({ status, message, next: typeof next === 'string' ? () => next : next })

/** Sorted by who has to act: the caller (4xx), then the host (5xx). Each code is explained in docs/errors.md. */
export const errorTable = {
  invalid_request: define(
    400,
    (f: { field: string; problem: string }) => `${f.field}: ${f.problem}`,
    'correct the value and try again; nothing was changed'
  ),
  sandbox_not_found: define(
    404,
    (f: { id: string }) => `there is no sandbox ${f.id}`,
    'list the sandboxes with: bulkhead ls'
  ),
  sandbox_not_running: define(
    409,
    (f: { id: string; state: string; reason?: string }) =>
      `sandbox ${f.id} is ${f.state}${f.reason ? `: ${f.reason}` : ''}`,
    'create a new sandbox; one that has ended does not come back'
  ),
  isolation_unavailable: define(
    409,
    (f: { wanted: string; offered: string }) =>
      `no kernel runtime here gives the isolation "${f.wanted}" (this machine offers: ${f.offered})`,
    'see why with: bulkhead doctor; or ask for less, by name, with --isolation'
  ),
  runtime_unavailable: define(
    409,
    (f: { runtime: string; reason: string }) => `the kernel runtime ${f.runtime} does not work here: ${f.reason}`,
    'see what is missing with: bulkhead doctor; install it with: bulkhead setup'
  ),

  // The engine: what this machine has no room for, and the folder it keeps its state in.
  capacity_exhausted: define(
    503,
    (f: { resource: string; needed: number; available: number }) =>
      `this machine has no room for another sandbox: ${f.resource} needed ${f.needed}, available ${f.available}`,
    'end sandboxes that are not needed (bulkhead ls, bulkhead rm), or try again when others have ended'
  ),
  disk_full: define(
    507,
    (f: { directory: string }) => `the disk of ${f.directory} is full`,
    'make room there: end sandboxes, remove images (bulkhead image prune), or move the folder; running sandboxes go on'
  ),
  state_in_use: define(
    409,
    (f: { directory: string }) => `another server uses the state folder ${f.directory}`,
    'use that server, or give this one a folder of its own'
  ),
  state_too_new: define(
    409,
    (f: { directory: string; found: number; supported: number }) =>
      `the state folder ${f.directory} was written by a newer version (ledger ${f.found}, known up to ${f.supported})`,
    'use that version, or another state folder'
  ),
  // The server and its socket.
  route_not_found: define(
    404,
    (f: { method: string; path: string }) => `there is nothing at ${f.method} ${f.path}`,
    'see the routes in docs/architecture.md; client and server may be of different versions'
  ),
  method_not_allowed: define(
    405,
    (f: { method: string; path: string; allowed: string }) => `${f.path} does not know ${f.method}`,
    (f) => `use one of: ${f.allowed}`
  ),
  body_too_large: define(
    413,
    (f: { limitBytes: number }) => `the request is larger than ${f.limitBytes} bytes`,
    'send less; files and folders go in through the sandbox, not through the control API'
  ),
  request_cancelled: define(
    499,
    (f: { operation: string }) => `${f.operation}: the client left before the answer`,
    'nothing was kept of it; send it again'
  ),
  server_busy: define(
    503,
    (f: { limit: number }) => `the server already answers ${f.limit} requests`,
    'wait for some to end and try again'
  ),
  server_stopping: define(
    503,
    (_: Record<never, never>) => 'the server is about to end',
    'try again: the next server takes over'
  ),
  server_already_running: define(
    409,
    (f: { path: string }) => `a server already answers on ${f.path}`,
    'use that one, or end it first'
  ),
  socket_unusable: define(
    500,
    (f: { path: string; reason: string }) => `cannot listen on ${f.path}: ${f.reason}`,
    'give the server a folder of its own that only its user can write into'
  ),
  server_unreachable: define(
    503,
    (f: { address: string; reason: string }) => `no server answers on ${f.address}: ${f.reason}`,
    'start one by running any command of bulkhead on that machine'
  ),
  connection_lost: define(
    502,
    (f: { operation: string; reason: string }) => `${f.operation}: the connection ended in mid-answer: ${f.reason}`,
    'see whether the sandbox still runs with: bulkhead ls; what was under way in it may have gone on'
  ),
  answer_invalid: define(
    502,
    (f: { operation: string; problem: string }) => `${f.operation}: the server's answer makes no sense: ${f.problem}`,
    'see that client and server are of the same version'
  ),
  internal_error: define(
    500,
    (f: { operation: string }) => `${f.operation} failed for a reason that has no name`,
    'this is a fault of bulkhead; the reason stands in the log of the server'
  ),

  // Images and where they come from.
  image_not_found: define(
    404,
    (f: { name: string }) => `there is no image ${f.name}`,
    'list the images here with: bulkhead image ls; check the spelling of a registry reference, tag included'
  ),
  image_in_use: define(
    409,
    (f: { name: string; digest: string }) => `the image ${f.name} is in use by a sandbox or a template (${f.digest})`,
    'end what uses it first (bulkhead ls, bulkhead rm); nothing was removed'
  ),
  image_reference_invalid: define(
    400,
    (f: { reference: string; problem: string }) =>
      `${JSON.stringify(f.reference)} does not name an image: ${f.problem}`,
    'use NAME[:TAG], NAME@sha256:DIGEST, oci:/PATH[:TAG] or docker-archive:/PATH'
  ),
  image_invalid: define(
    422,
    (f: { reference: string; problem: string }) => `the image ${f.reference} is damaged or not usable: ${f.problem}`,
    'fetch or export it again; nothing of it was kept'
  ),
  image_digest_mismatch: define(
    422,
    (f: { reference: string; detail: string }) => `the image ${f.reference} is not what its digest says: ${f.detail}`,
    'trust none of it; fetch it again from a place you trust. Nothing of it was kept'
  ),
  image_platform_unavailable: define(
    422,
    (f: { reference: string; wanted: string; offered: string }) =>
      `the image ${f.reference} is not made for ${f.wanted} (it is for: ${f.offered})`,
    (f) => `choose an image that is built for ${f.wanted}`
  ),
  image_too_large: define(
    413,
    (f: { reference: string; limitBytes: number; detail: string }) =>
      `the image ${f.reference} is larger than ${f.limitBytes} bytes: ${f.detail}`,
    'use a smaller image; nothing of it was kept'
  ),
  registry_unauthorized: define(
    401,
    (f: { reference: string; detail: string }) => `the registry does not give out ${f.reference}: ${f.detail}`,
    'log in with `skopeo login` or `docker login` as the user that runs bulkhead; some registries also say this of an image that does not exist'
  ),
  registry_unavailable: define(
    503,
    (f: { reference: string; detail: string }) =>
      `the registry of ${f.reference} does not answer as it should: ${f.detail}`,
    'check the name of the registry and the way to it (proxy, DNS, certificate), then try again'
  ),
  host_tool_failed: define(
    500,
    (f: { tool: string; detail: string }) => `${f.tool} failed on this machine: ${f.detail}`,
    'see what is missing with: bulkhead doctor; then try again, nothing half-made was kept'
  ),
  packages_unavailable: define(
    503,
    (f: { what: string; detail: string }) => `the Debian packages for ${f.what} could not be had: ${f.detail}`,
    'check that `apt-get update` works on this machine (mirror, proxy, keyring), then try again'
  ),
  root_needed: define(
    403,
    (f: { what: string }) => `${f.what} needs root: ownership, setuid bits and device nodes of an image are kept`,
    'run it as root once (sudo); images in the store can then be used without'
  ),

  // A kernel and the process on the host that runs it.
  kernel_start_failed: define(
    500,
    (f: { runtime: string; id: string; reason: string }) =>
      `${f.runtime} could not start the kernel ${f.id}: ${f.reason}`,
    'see whether the runtime works here at all with: bulkhead doctor'
  ),
  kernel_gone: define(
    410,
    (f: { id: string; reason: string }) => `the kernel ${f.id} no longer runs: ${f.reason}`,
    'create a new sandbox; what was in its memory is lost'
  ),
  snapshot_failed: define(
    500,
    (f: { id: string; reason: string }) => `no snapshot was made of ${f.id}: ${f.reason}`,
    'nothing of it was kept and the sandbox goes on; make room on the disk if that is the reason, then try again'
  ),
  snapshot_unusable: define(
    409,
    (f: { directory: string; reason: string }) => `the snapshot in ${f.directory} cannot be restored: ${f.reason}`,
    'make a new one: it is bound to the image, the runtime and its version'
  ),

  // The guest behind the data proxy.
  guest_unreachable: define(
    502,
    (f: { id: string; reason: string }) => `the guest agent of sandbox ${f.id} does not answer: ${f.reason}`,
    'see the state of the sandbox with: bulkhead ls; a guest that broke its agent has to be deleted'
  ),
  guest_answer_invalid: define(
    502,
    (f: { id: string; problem: string }) =>
      `the guest of sandbox ${f.id} answered with what cannot be passed on: ${f.problem}`,
    'trust nothing this sandbox says; delete it if this was not expected'
  ),
  guest_busy: define(
    503,
    (f: { id: string; limit: number }) => `sandbox ${f.id} already has ${f.limit} calls under way`,
    'let some of its commands or transfers end, or follow fewer of them at once'
  ),
  guest_call_failed: define(
    422,
    (f: { operation: string; rpcCode: string; detail: string }) => `${f.operation}: ${f.detail || f.rpcCode}`,
    'the guest refused the call; correct it as the message says'
  ),
  command_not_found: define(
    404,
    (f: { command: string; detail: string }) => `${f.command}: there is no such command in the sandbox`,
    'check its spelling and that the image has it'
  ),
  command_not_executable: define(
    403,
    (f: { command: string; detail: string }) => `${f.command}: cannot be executed in the sandbox (${f.detail})`,
    'name a file with the execute bit set, not a folder; run scripts through their interpreter'
  ),
  command_timed_out: define(
    504,
    (f: { command: string; timeoutMs: number }) =>
      `${f.command}: its time of ${f.timeoutMs} ms was over before the sandbox said that it runs`,
    'give it more time if the sandbox is only slow; one whose agent no longer answers has to be deleted'
  ),

  // What a sandbox sends back, and where it is to go here.
  output_too_large: define(
    413,
    (f: { path: string; limit: string }) => `${f.path}: the sandbox sends more than ${f.limit}; nothing of it was kept`,
    'bring back less, or give the sandbox a larger disk: as much as that may come back'
  ),
  destination_unusable: define(
    409,
    (f: { path: string; reason: string }) => `${f.path}: nothing can be put there: ${f.reason}`,
    'make room or move what is in the way, or run it in another folder; no file there is half-written'
  ),

  // Setting up this host, and the folders of an installation.
  state_unusable: define(
    500,
    (f: { path: string; reason: string }) => `the folder for state cannot be used: ${f.path}: ${f.reason}`,
    'name another one in BULKHEAD_STATE_DIR, on a disk with room, that is yours to write to'
  ),
  not_set_up: define(
    409,
    (f: { state: string }) => `nothing is installed for the state folder ${f.state}`,
    'run: bulkhead setup'
  ),
  consent_needed: define(
    409,
    (f: { plan: readonly string[] }) =>
      `this host needs packages, and nobody agreed to installing them. What would be done:\n${f.plan.join('\n')}`,
    'run `bulkhead setup --yes` (or set BULKHEAD_YES=1), or do it by hand'
  ),
  privilege_needed: define(
    403,
    (f: { commands: readonly string[] }) =>
      `this needs root, and there is no sudo. What has to be done as root:\n${f.commands.join('\n')}`,
    'do that as root, then run this again'
  ),
  host_unsupported: define(
    409,
    (f: { host: string; problem: string }) =>
      `this host (${f.host}) is not one that can be set up by itself: ${f.problem}`,
    'install what is missing yourself; `bulkhead doctor` shows what is found'
  ),
  requirement_missing: define(
    409,
    (f: { program: string; package: string; why: string; found?: string; minimum?: string }) =>
      f.found
        ? `${f.program} is version ${f.found}, and ${f.minimum} is needed (${f.why})`
        : `${f.program} is not installed (${f.why})`,
    (f) => `run: bulkhead setup; it comes with the Debian package ${f.package}`
  ),
  evidence_violated: define(
    500,
    (f: { id: string; checks: readonly string[] }) =>
      `VIOLATED: ${f.id} does not have what it was promised; failed: ${f.checks.join(', ')}`,
    (f) => `take what ran there for compromised; see each check with: bulkhead evidence ${f.id}`
  ),
  evidence_unknown: define(
    500,
    (f: { id: string; checks: number }) =>
      `UNKNOWN: the inside of ${f.id} did not answer, so whether the answer is fresh and the boot id and kernel are its own could not be checked; the ${f.checks} checks from the host held`,
    (f) =>
      `ask again with: bulkhead evidence ${f.id}; if it stays silent take it for broken or hostile and remove it with: bulkhead rm ${f.id}`
  ),
  evidence_unwitnessed: define(
    500,
    (f: { id: string; checks: number; missing: string }) =>
      `UNKNOWN: nobody sees the host side of ${f.id} (${f.missing}); the ${f.checks} checks of what its inside says held`,
    'see docs/kubernetes/serve.md for what evidence of a cluster can say'
  ),
  setup_command_failed: define(
    500,
    (f: { command: string; ended: string; output: string }) => `${f.command}: ended ${f.ended}\n${f.output}`,
    'correct what it complains of and run `bulkhead setup` again: it goes on where it stopped'
  ),
  // A Kubernetes cluster and this program's way into it.
  cluster_config_invalid: define(
    400,
    (f: { source: string; problem: string }) => `no way into a cluster from ${f.source}: ${f.problem}`,
    'name a kubeconfig that works with: kubectl cluster-info; in a Pod, see that its service account is mounted'
  ),
  cluster_unreachable: define(
    503,
    (f: { operation: string; reason: string }) =>
      `the cluster's API server does not answer: ${f.operation}: ${f.reason}`,
    'see whether it runs and can be reached from here with: kubectl get --raw /readyz; a write may have been carried out'
  ),
  cluster_access_denied: define(
    403,
    (f: { operation: string; detail: string }) => `the cluster does not allow it: ${f.operation}: ${f.detail}`,
    'give this user or service account the permission (RBAC); see what it has with: kubectl auth can-i --list'
  ),
  cluster_request_failed: define(
    502,
    (f: { operation: string; code: number; reason: string; detail: string }) =>
      `the cluster refused: ${f.operation}: ${f.detail}`,
    'read what the API server says in the message; nothing was changed by this request'
  ),
  cluster_too_slow: define(
    504,
    (f: { operation: string; waitedMs: number; reason: string }) =>
      `${f.operation}: the cluster has not done it within ${f.waitedMs} ms: ${f.reason}`,
    'see what the cluster lacks with: bulkhead kubernetes doctor, and with: kubectl get events; then try again'
  ),
  leadership_lost: define(
    503,
    (f: { lease: string; reason: string }) => `no longer the leader (lease ${f.lease}): ${f.reason}`,
    'nothing has to be done: another replica, or this one when it has started again, goes on'
  ),
  // A node's container runtime, read over its CRI socket.
  cri_unreachable: define(
    503,
    (f: { socket: string; reason: string }) => `the container runtime on ${f.socket} does not answer: ${f.reason}`,
    'see that containerd runs on the node, and that this process may use its socket (root); then try again'
  ),
  cri_call_failed: define(
    502,
    (f: { socket: string; call: string; reason: string }) =>
      `the container runtime on ${f.socket} refused ${f.call}: ${f.reason}`,
    'read the log of the container runtime on the node'
  ),
  cri_answer_invalid: define(
    502,
    (f: { socket: string; call: string; problem: string }) =>
      `the container runtime on ${f.socket} answers ${f.call} with what cannot be used: ${f.problem}`,
    'see that it serves the CRI in version runtime.v1 (containerd 1.6 and later), and that its plugin is not disabled'
  ),
  witness_unbound: define(
    403,
    (_: Record<never, never>) => 'this witness has a token that is bound to no node',
    'run it as a Pod with a projected service account token (its DaemonSet does), on Kubernetes 1.32 or later'
  ),
  server_start_failed: define(
    500,
    (f: { reason: string; log: string }) => `the server did not start: ${f.reason}`,
    (f) => `read ${f.log}; see what is missing with: bulkhead doctor`
  ),

  // A Kubernetes on this machine, made by tools/cluster.
  cluster_unsupported: define(
    409,
    (f: { reason: string }) => `no cluster can run here, because ${f.reason}`,
    'run it as root on a Linux machine of its own, virtual or not, instead of in a container'
  ),
  cluster_not_running: define(
    409,
    (f: { folder: string }) => `there is no cluster in ${f.folder}`,
    'start one with: bulkhead cluster up'
  ),
  cluster_shape_differs: define(
    409,
    (f: { running: string; wanted: string }) => `there is a cluster with ${f.running}, not with ${f.wanted}`,
    'ask for the one that is there, or remove it first, objects and volumes included: bulkhead cluster down'
  ),
  cluster_subnet_in_use: define(
    409,
    (f: { subnet: string; route: string }) => `the network ${f.subnet} overlaps with one of this machine's: ${f.route}`,
    'choose another /24 with --subnet, like 10.99.0.0/24; nothing was made'
  ),
  cluster_part_failed: define(
    500,
    (f: { part: string; reason: string; log: string }) => `${f.part} of the cluster does not work: ${f.reason}`,
    (f) => `read ${f.log} if it is still there; see what runs with: bulkhead cluster status`
  ),
  cluster_api_failed: define(
    502,
    (f: { request: string; detail: string }) => `the cluster's API server did not do ${f.request}: ${f.detail}`,
    'see what runs with: bulkhead cluster status; what has ended is started again with: bulkhead cluster up'
  ),
  cluster_record_invalid: define(
    500,
    (f: { file: string }) => `what ${f.file} says of the cluster makes no sense to this version`,
    'remove the cluster with: bulkhead cluster down; it goes by names and does not need the record'
  ),
  cluster_not_removed: define(
    500,
    (f: { left: string }) => `something is left of the cluster: ${f.left}`,
    'end what holds it, then try again: bulkhead cluster down'
  ),
  cluster_source_changed: define(
    500,
    (f: { file: string; text: string }) =>
      `${f.file} is to be changed for the cluster, and does not have once: ${f.text}`,
    'adapt the change in tools/cluster/programs.ts to the version that its go.mod pins'
  ),
} as const satisfies Record<string, Definition<never>>

export type ErrorTable = typeof errorTable
export type ErrorCode = keyof ErrorTable
export type ErrorFacts<Code extends ErrorCode> = Parameters<ErrorTable[Code]['message']>[0]

/** Match on `code`, never on the text or the class. */
export class BulkheadError extends Error {
  override readonly name = 'BulkheadError'
  readonly code: ErrorCode
  readonly status: number
  readonly next: string
  readonly facts: Readonly<Record<string, unknown>>

  constructor(body: ErrorBody, options?: { cause?: unknown }) {
    super(body.message, options)
    this.code = body.code
    this.status = body.status
    this.next = body.next
    this.facts = body.facts
  }

  toJSON(): ErrorBody {
    return { code: this.code, status: this.status, message: this.message, next: this.next, facts: this.facts }
  }
}

/** Makes the error of `code`; `cause` is for the log. Usage: `throw failure('sandbox_not_found', { id })`. */
export function failure<Code extends ErrorCode>(
  code: Code,
  facts: ErrorFacts<Code>,
  options?: { cause?: unknown }
): BulkheadError {
  const definition = errorTable[code] as unknown as Definition<ErrorFacts<Code>>
  return new BulkheadError(
    {
      code,
      status: definition.status,
      message: definition.message(facts),
      next: definition.next(facts),
      facts: facts as Record<string, unknown>,
    },
    options
  )
}

export const isFailure = <Code extends ErrorCode>(error: unknown, code?: Code): error is BulkheadError =>
  error instanceof BulkheadError && (code === undefined || error.code === code)
