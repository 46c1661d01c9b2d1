/** What a node remembers of others. */
import { Context } from "effect"
import { PEER_BOOK_LIMIT } from "#core/identity/PeerBook"

/** PeerRecords in the book. Turned down where thousands of nodes share one memory. */
export const PeerBookLimit = Context.Reference<number>("allium/services/identity/PeerBookLimit", {
  defaultValue: () => PEER_BOOK_LIMIT
})
