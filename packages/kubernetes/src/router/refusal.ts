/** What a client is told in place of the sandbox's answer: `{"detail"}`. */
export interface Refusal {
  readonly status: number
  readonly detail: string
}

const refusal = (status: number, detail: string): Refusal => Object.freeze({ status, detail })

/** Clients compare the texts: those with status 400 and 502 are the API's. */
export const refusals = Object.freeze({
  idMissing: refusal(400, 'X-Sandbox-ID header is required.'),
  idInvalid: refusal(400, 'Invalid sandbox ID format.'),
  namespaceInvalid: refusal(400, 'Invalid namespace format.'),
  portInvalid: refusal(400, 'Invalid port format.'),
  addressInvalid: refusal(400, 'Invalid target IP address.'),
  pathInvalid: refusal(400, 'Invalid request target.'),
  unauthorized: refusal(401, 'Missing or invalid bearer token.'),
  unreachable: (sandbox: string) => refusal(502, `Could not connect to the backend sandbox: ${sandbox}`),
  silent: (sandbox: string) => refusal(504, `The backend sandbox did not answer in time: ${sandbox}`),
})
