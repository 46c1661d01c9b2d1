/** Answers by reply blocks: an envelope in as many cells as it takes, one a block. */
import { Clock, Effect, Metric, Result } from "effect"
import { divide } from "#core/onion/divide"
import { sealReply } from "#core/onion/replyBlock"
import { replyRoom } from "#schemas/onion/OnionPayload"
import type { ReplyBlockFields } from "#schemas/onion/ReplyBlock"
import { acknowledgement, type MessageId, write } from "#schemas/router/InnerEnvelope"
import { Crypto } from "#services/identity/Crypto"
import { SecureRandom } from "#services/identity/SecureRandom"
import * as Metrics from "#services/onion/Metrics"
import { OnionCells } from "#services/onion/OnionCells"
import { NotAnswerable } from "#services/onion/OnionRouter"

export interface Replying {
  /**
   * Sends the parts of an envelope from `first` on and round, one a block. With fewer blocks than parts only some of them
   * go: whoever asks again brings blocks for the others.
   */
  readonly answer: (
    messageId: MessageId,
    envelope: Uint8Array,
    blocks: ReadonlyArray<ReplyBlockFields>,
    first?: number
  ) => Effect.Effect<void, NotAnswerable>
  /** By the first block whose first hop is reached. */
  readonly acknowledge: (messageId: MessageId, blocks: ReadonlyArray<ReplyBlockFields>) => Effect.Effect<void>
}

/** All blocks of one envelope have one class, or only those of the first one's count. */
export const alike = (blocks: ReadonlyArray<ReplyBlockFields>): ReadonlyArray<ReplyBlockFields> =>
  blocks.filter(({ cellClass }) => cellClass === blocks[0]?.cellClass)

/** Bytes of an envelope that these blocks carry. */
export const roomOf = (blocks: ReadonlyArray<ReplyBlockFields>): number => {
  const [first] = blocks
  return first === undefined ? 0 : alike(blocks).length * replyRoom(first.cellClass)
}

/** The parts of an envelope, in cells of the blocks' class. */
export const partsOf = (envelope: Uint8Array, blocks: ReadonlyArray<ReplyBlockFields>) => {
  const [first] = blocks
  return first === undefined ? undefined : divide(envelope, replyRoom(first.cellClass))
}

export const makeReplying = Effect.gen(function* () {
  const [cells, suite] = [yield* OnionCells, yield* Crypto]
  const [random, clock, context] = [yield* SecureRandom, yield* Clock.Clock, yield* Effect.context<never>()]
  const count = (outcome: keyof typeof outcomes) => outcomes[outcome].updateUnsafe(1, context)

  const answer: Replying["answer"] = (messageId, envelope, given, first = 0) =>
    Effect.suspend(() => {
      const blocks = alike(given)
      const room = roomOf(blocks)
      const pieces = partsOf(envelope, blocks)
      if (blocks.length === 0) return new NotAnswerable({ reason: "no blocks", room })
      if (pieces === undefined) return new NotAnswerable({ reason: "too large", room })
      const sent = blocks.slice(0, pieces.length).map((block, index) => {
        const part = (first + index) % pieces.length
        const payload = { messageId, part, parts: pieces.length, piece: pieces[part]!, blocks: [] }
        return sendOne(block, payload, room)
      })
      return Effect.all(sent, { concurrency: sent.length, discard: true })
    })

  const sendOne = (block: ReplyBlockFields, payload: Parameters<typeof sealReply>[3], room: number) =>
    Effect.suspend((): Effect.Effect<void, NotAnswerable> => {
      const sealed = sealReply(suite, random.bytes, block, payload, clock.currentTimeMillisUnsafe() / 1000)
      if (Result.isFailure(sealed)) {
        count("expired")
        return new NotAnswerable({ reason: "expired", room })
      }
      return Effect.match(cells.answer(sealed.success), {
        onFailure: () => false,
        onSuccess: () => true
      }).pipe(
        Effect.flatMap((isSent) => {
          count(isSent ? "sent" : "notSent")
          return isSent ? Effect.void : new NotAnswerable({ reason: "not sent", room })
        })
      )
    })

  const acknowledge: Replying["acknowledge"] = (messageId, blocks) => {
    const ack = write(acknowledgement(messageId))
    const by = (index: number): Effect.Effect<void> => {
      const block = blocks[index]
      return block === undefined
        ? Effect.void
        : Effect.catchTag(answer(messageId, ack, [block]), "NotAnswerable", () => by(index + 1))
    }
    return by(0)
  }

  return { answer, acknowledge } satisfies Replying
})

const outcomes = {
  sent: Metric.withAttributes(Metrics.replies, { outcome: "sent" }),
  notSent: Metric.withAttributes(Metrics.replies, { outcome: "not sent" }),
  expired: Metric.withAttributes(Metrics.replies, { outcome: "expired" })
}
