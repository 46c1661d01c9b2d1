/** Promises of holders, noted by whoever puts and kept by whoever sees to it that they are held. */
import { Context } from "effect"
import { ReceiptBook } from "#core/dht/ReceiptBook"

/** Keeps nothing, unless a node does. */
export const Receipts = Context.Reference<ReceiptBook>("allium/services/dht/Receipts", {
  defaultValue: () => new ReceiptBook(0)
})
