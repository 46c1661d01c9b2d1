/** What strangers may have this node do with cells, and what they may fill. */
import { Context } from "effect"
import { TAGS_LIMIT } from "#core/onion/ReplaySet"

/** Cells remembered until their minute is over, lest they are peeled twice; of answers half as many. */
export const PeeledLimit = Context.Reference<number>("allium/services/onion/PeeledLimit", {
  defaultValue: () => TAGS_LIMIT
})

/**
 * Cells of one session, the smallest class counting one. A core peels some 8,000 a second; a busy link between two relays
 * has room, and four hostile ones take all of it. A local network is one's own: the limit is only there to be one.
 */
export const OPEN_CELLS = { perSecond: 2_000, burst: 8_000 } as const
export const LOCAL_CELLS = { perSecond: 100_000, burst: 400_000 } as const

/** What a cell counts, by class: the larger ones take about twice as long to carry as a small one. */
export const CELL_COSTS = [1, 2, 2] as const

/**
 * What a cell counts that turns out to be bad. Relays cannot see what they bring, and whoever sends bad cells by way of
 * one throttles all that it brings: so a session still has room for 125 a second.
 */
export const BAD_CELL_COST = 16

/** Next hops that cells of one session have this node dial: for the paths that come up, too slow to aim a flood. */
export const SESSION_DIALS = { perSecond: 1, burst: 16 } as const
/** The same of answers and of envelopes that are handed on, all together. */
export const ANSWER_DIALS = { perSecond: 16, burst: 64 } as const

/** Next hops being dialled for strangers, and as many peers for answers. */
export const DIALLED_HOPS = 64
/** Bytes of cells that wait for one of them: 64 small cells, or four of the largest. */
export const WAITING_BYTES_OF_HOP = 256 * 1024

/** Bytes of cells held back for mixing, of 4 KiB at least each; and of those that one session brought. */
export const HELD_BYTES = 32 * 1024 * 1024
export const HELD_BYTES_OF_SESSION = 4 * 1024 * 1024

/** Envelopes of this node's own that are on their way; the next ones wait for their turn. */
export const SENDING_LIMIT = 512
/** Tries of one envelope whose reply blocks are kept: the ACK of an earlier one may come late. */
export const TRIES_KEPT = 8
/** After so many tries each, the recipient's record is doubted and looked for again. */
export const DOUBT_EVERY = 3

/** Questions that somebody has taken and not answered yet; further ones are not taken. */
export const OPEN_QUESTIONS = 1_024
/** Envelopes that are being handed to peers; further ones are dropped, and their senders try again. */
export const HANDING_LIMIT = 64
