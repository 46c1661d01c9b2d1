/** What a peer says of itself in a handshake, for doubles of sessions and for handshakes by hand. */
import type { HelloFields } from "#schemas/session/Hello"

export const hello: HelloFields = {
  minor: 0,
  agent: "double/1",
  mode: "client",
  observed: new Uint8Array(0),
  capabilities: [],
  maxInFlight: 64
}
