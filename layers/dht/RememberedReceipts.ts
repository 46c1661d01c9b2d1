/** The latest promises of holders, in memory: after a restart a node has no one to hold to his word, and refreshes. */
import { Effect, Layer } from "effect"
import { ReceiptBook } from "#core/dht/ReceiptBook"
import { RECEIPTS } from "#services/dht/Limits"
import { Receipts } from "#services/dht/Receipts"
import { Bounds } from "#services/node/Bounds"

export const make = Effect.gen(function* () {
  const book = new ReceiptBook(RECEIPTS)
  yield* (yield* Bounds).watch("receipts", RECEIPTS, () => book.size)
  return book
})

export const layer = Layer.effect(Receipts, make)
