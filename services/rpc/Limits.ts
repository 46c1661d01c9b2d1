/** What one peer may ask of this node's memory through requests. */

/** Requests of one peer answered at the same time; told in the handshake. 20 lookups of width 10, and room. */
export const MAX_SERVING = 256
/** Requests in flight to one peer, however many more it says that it takes. */
export const MOST_IN_FLIGHT = 4096
/** Callers that wait for a turn with one peer; the next is told `RpcBusy`. */
export const WAITING_LIMIT = 1024
/** Requests in envelopes answered at the same time: of all peers that are known, and of all who are not. */
export const ENVELOPES_SERVED = 64
/** Methods that apps may register. */
export const MAX_METHODS = 256
