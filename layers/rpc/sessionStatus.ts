/** An open session as people are shown it. */
import { withPeer } from "#schemas/transport/Address"
import type { SessionStatus } from "#services/dht/Diagnostics"
import type { Rpc } from "#services/rpc/Rpc"
import type { Session } from "#services/session/SessionManager"

/** `now` in unix milliseconds. */
export const sessionStatus = (rpc: Rpc["Service"], session: Session, now: number): SessionStatus => ({
  address: withPeer(session.address, session.contact.nodeId),
  dialled: session.dialled,
  sinceSeconds: Math.max(0, Math.floor((now - session.since) / 1000)),
  roundTripMillis: rpc.roundTrip(session.contact.key) ?? null,
  agent: rpc.hello(session)?.agent ?? null
})
