/**
 * Answers as it should, and meanwhile asks more than a peer takes: bursts of requests past its own window, in one row.
 * The answers come under ids that nobody waits for. And it opens connections on which it says nothing.
 */
import { Effect, Layer, Result } from "effect"
import type { Contact } from "#core/identity/Contact"
import * as DhtServer from "#layers/dht/DhtServer"
import { writeRequest as writeDhtRequest } from "#schemas/dht/DhtMessage"
import { writeRequest } from "#schemas/rpc/RpcMessage"
import { FrameType } from "#schemas/session/Frame"
import { SecureRandom } from "#services/identity/SecureRandom"
import { SessionManager } from "#services/session/SessionManager"
import type { Connection } from "#services/transport/Transport"
import { TransportManager } from "#services/transport/TransportManager"
import { FloodBurst, FloodPace } from "./paces.ts"

/** Peers that one burst meets, in turns. */
const VICTIMS = 2
const TARGET_BYTES = 32

/** Far from the ids that this node's own requests come by. */
const FIRST_ID = 2 ** 31
const LAST_ID = 2 ** 32 - 1

const make = Effect.gen(function* () {
  const [sessions, random, size] = [yield* SessionManager, yield* SecureRandom, yield* FloodBurst]
  const transports = yield* TransportManager
  const silent = new Set<Connection>()
  yield* Effect.addFinalizer(() => Effect.sync(() => silent.forEach((connection) => void connection.finish())))
  let [id, turn] = [FIRST_ID, 0]

  /** Whoever takes such a connection has to know when to let go of it. */
  const linger = ({ addresses }: Contact) =>
    transports.dial(addresses, { trusted: false }, (dialled) => {
      if (Result.isFailure(dialled)) return
      const connection = dialled.success
      silent.add(connection)
      connection.read({ onMessages: () => connection.finish(), onEnd: () => silent.delete(connection) })
    })

  const burst = Effect.sync(() => {
    const all = sessions.list()
    for (let victim = 0; victim < Math.min(VICTIMS, all.length); victim++) {
      const session = all[turn++ % all.length]
      if (session !== undefined) linger(session.contact)
      const body = writeDhtRequest({ _tag: "FindNode", target: random.bytes(TARGET_BYTES) })
      for (let n = 0; n < size; n++) {
        id = id === LAST_ID ? FIRST_ID : id + 1
        if (session?.offer(FrameType.DHT_REQ, writeRequest(id, body)) !== true) break
      }
    }
  })
  yield* Effect.forkScoped(Effect.schedule(burst, yield* FloodPace))
})

export const layer = Layer.merge(DhtServer.layer, Layer.effectDiscard(make))
