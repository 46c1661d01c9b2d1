/**
 * Messages that neighbours bring: known, timely, allowed, signed, judged, and only then delivered and passed on. Each
 * step costs more than the one before, and nothing is entered anywhere before the signature is verified.
 */
import { Duration, Effect, Exit, FiberSet, Result } from "effect"
import { verifyRecord } from "#core/identity/signature"
import { equalBytes, keyOf } from "#schemas/bytes/bytes"
import { write } from "#schemas/gossip/GossipFrame"
import { type GossipMessageFields, isTimely, LABEL, read, SIGNATURE_INDEX } from "#schemas/gossip/GossipMessage"
import type { Received, Verdict } from "#services/gossip/Gossip"
import { VALIDATING, VALIDATING_OF_PEER } from "#services/gossip/Limits"
import { dropped } from "#services/gossip/Metrics"
import { ValidateWithin } from "#services/gossip/Schedules"
import { Crypto } from "#services/identity/Crypto"
import { Identity } from "#services/identity/Identity"
import { flooded, type GossipState, type Neighbour, type Outcome, type Tally } from "./GossipState.ts"
import { isExit } from "./Subscribers.ts"

/** A message whose signature is good. */
interface Arrival {
  readonly neighbour: Neighbour
  readonly id: string
  readonly topic: string
  /** As received, and its own copy: the view would keep the whole row that it came in. */
  readonly bytes: Uint8Array
  readonly message: Received
}

export const makeArrivals = Effect.fnUntraced(function* (
  state: GossipState,
  tally: Tally,
  hand: (peer: string, payload: Uint8Array) => boolean
) {
  const { cache, charge, checks, count, mesh, now, scores, seen, subscribers, wanted } = state
  const [suite, { networkId }] = [yield* Crypto, yield* Identity]
  const context = yield* Effect.context<never>()
  const within = Duration.toMillis(yield* ValidateWithin)
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  let validating = 0

  /** What only somebody who wants to do harm sends, or passes on. */
  const guilty = (neighbour: Neighbour, of: "malformed" | "forged"): Outcome => {
    scores.sentInvalid(neighbour.key, now())
    charge(neighbour.key, of === "malformed" ? of : "bad record")
    return of
  }

  const isSigned = (message: GossipMessageFields, bytes: Uint8Array): boolean =>
    verifyRecord(suite, LABEL, networkId, message.author, bytes, SIGNATURE_INDEX)

  const passOn = ({ bytes, message, neighbour, topic }: Arrival): void => {
    let payload: Uint8Array | undefined
    for (const peer of mesh.members(topic)) {
      const other = state.neighbours.get(peer)
      if (other === undefined || other === neighbour) continue
      if (equalBytes(other.contact.publicKey, message.author)) continue
      payload ??= write({ messages: [bytes] })
      hand(peer, payload)
    }
  }

  const conclude = (arrival: Arrival, verdict: Verdict): Outcome => {
    const { bytes, id, message, neighbour, topic } = arrival
    if (verdict === "reject") {
      seen.add(id, "refused", now())
      scores.sentInvalid(neighbour.key, now())
      return "rejected"
    }
    // It may have been left meanwhile.
    if (verdict === "ignore" || !mesh.hasJoined(topic)) return "ignored"
    scores.broughtFirst(neighbour.key, topic, now())
    cache.put(id, topic, bytes)
    passOn(arrival)
    const missed = subscribers.deliver(topic, message)
    if (missed > 0) {
      tally.dropped += missed
      dropped.updateUnsafe(missed, context)
    }
    return "accepted"
  }

  const concluded = (arrival: Arrival, exit: Exit.Exit<Verdict>): Outcome => {
    if (Exit.isFailure(exit)) run(Effect.logError("A validator of gossip failed", exit.cause))
    return conclude(arrival, Exit.isSuccess(exit) ? exit.value : "ignore")
  }

  /** Undefined while a validator waits for something. */
  const judge = (arrival: Arrival): Outcome | undefined => {
    const { neighbour } = arrival
    const verdict = subscribers.judge(arrival.topic, arrival.message)
    if (isExit(verdict)) return concluded(arrival, verdict)
    if (validating >= VALIDATING || neighbour.validating >= VALIDATING_OF_PEER) return "overload"
    validating++
    neighbour.validating++
    const inTime = Effect.timeoutOrElse(verdict, { duration: within, orElse: () => Effect.succeed<Verdict>("ignore") })
    const end = (exit: Exit.Exit<Verdict>) =>
      Effect.sync(() => {
        validating--
        neighbour.validating--
        count(concluded(arrival, exit))
      })
    run(Effect.flatMap(Effect.exit(inTime), end))
    return undefined
  }

  const arrived = (neighbour: Neighbour, view: Uint8Array): Outcome | undefined => {
    const digest = suite.sha256(view)
    const id = keyOf(digest)
    wanted.arrived(id)
    const judged = seen.find(id, now())
    if (judged === "refused") scores.sentInvalid(neighbour.key, now())
    if (judged !== undefined) return "known"
    const read = readMessage(view)
    if (read === undefined) return guilty(neighbour, "malformed")
    const topic = keyOf(read.topic)
    if (!mesh.hasJoined(topic)) return "unwanted"
    if (!isTimely(read.issued, now())) return "untimely"
    if (checks.take(0, now()) > 0 || !neighbour.allowance.takes("checks", 1, now())) return "overload"
    checks.take(1, now())
    if (!isSigned(read, view)) {
      seen.add(id, "refused", now())
      return guilty(neighbour, "forged")
    }
    seen.add(id, "taken", now())
    const bytes = new Uint8Array(view)
    const { author, data, issued, topic: name } = readMessage(bytes) ?? read
    const message = { id: digest, topic: name, author, issued, data, from: neighbour.contact }
    return judge({ neighbour, id, topic, bytes, message })
  }

  const arrive = (neighbour: Neighbour, messages: ReadonlyArray<Uint8Array>): void => {
    for (const message of messages) {
      // One of them may have been the last straw.
      if (neighbour.sessions.length === 0) return
      const isAllowed = neighbour.allowance.takes("messages", 1, now())
      if (!isAllowed) flooded(state, neighbour)
      const outcome = isAllowed ? arrived(neighbour, message) : "flood"
      if (outcome !== undefined) count(outcome)
    }
  }

  return { arrive, validating: () => validating }
})

const readMessage = (bytes: Uint8Array): GossipMessageFields | undefined => Result.getOrUndefined(read(bytes))
