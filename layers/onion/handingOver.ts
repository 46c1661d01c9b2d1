/**
 * The exit's part (WIRE §4): an MLS message or a Welcome that came out of an onion goes to a peer as an ENVELOPE frame
 * under the id that its sender chose, and the peer's ACK goes back by the first reply block. This node tries once; the
 * sender, who hears nothing, tries again.
 */
import { Effect, Metric } from "effect"
import { keyOf } from "#schemas/bytes/bytes"
import type { InnerEnvelopeFields, MessageId } from "#schemas/router/InnerEnvelope"
import { Bounds } from "#services/node/Bounds"
import { HANDING_LIMIT } from "#services/onion/Limits"
import { arrivals } from "#services/onion/Metrics"
import { type HandedOver, OnionCells } from "#services/onion/OnionCells"
import type { Session } from "#services/session/SessionManager"
import type { Replying } from "./replying.ts"

export type Hand = (
  session: Session,
  messageId: MessageId,
  envelope: InnerEnvelopeFields
) => Effect.Effect<void, unknown>

export interface HandingOver {
  readonly onHand: (handed: HandedOver) => void
  /** Who writes the frame; undefined for nobody. */
  hand: Hand | undefined
}

export const makeHandingOver = Effect.fnUntraced(function* (
  replying: Replying,
  run: (effect: Effect.Effect<void>) => void
) {
  const [cells, bounds, context] = [yield* OnionCells, yield* Bounds, yield* Effect.context<never>()]
  const under = new Set<string>()
  yield* bounds.watch("envelopes handed to peers", HANDING_LIMIT, () => under.size)
  const count = (outcome: keyof typeof outcomes) => outcomes[outcome].updateUnsafe(1, context)

  const deliver = ({ envelope, next, payload }: HandedOver, hand: Hand) =>
    Effect.matchEffect(
      Effect.flatMap(cells.reach(next), (session) => hand(session, payload.messageId, envelope)),
      {
        onFailure: (error) => {
          count("notHanded")
          return Effect.logDebug("An envelope out of an onion was not handed over", error)
        },
        onSuccess: () => {
          count("handed")
          return replying.acknowledge(payload.messageId, payload.blocks)
        }
      }
    )

  const handing: HandingOver = {
    hand: undefined,
    onHand: (handed) => {
      const [id, { hand }] = [keyOf(handed.payload.messageId), handing]
      if (hand === undefined || under.size >= HANDING_LIMIT || under.has(id)) return count("notHanded")
      under.add(id)
      run(
        Effect.ensuring(
          deliver(handed, hand),
          Effect.sync(() => under.delete(id))
        )
      )
    }
  }
  return handing
})

const outcomes = {
  handed: Metric.withAttributes(arrivals, { outcome: "handed over" }),
  notHanded: Metric.withAttributes(arrivals, { outcome: "not handed over" })
}
