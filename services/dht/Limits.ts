/** How much of this node the network can have, and how sure a reader wants to be. */

/** Replicas of a record where the putter does not say (DESIGN.md §6): one lost copy a day leaves time to heal. */
export const REPLICATION_FACTOR = 5
/** Replicas that can be asked for: k, the nodes that feel responsible for a key. */
export const MOST_REPLICAS = 20

/** Answers that must show a mutable record before the highest `seq` among them is believed. */
export const QUORUM = 3

/**
 * A handshake that this node dialled vouches for a contact's addresses so many times as long as it takes until the next
 * one (`VerifyAfter`): an hour.
 */
export const VOUCHES = 4 / 3

/**
 * Stores that one peer may ask for: one of 32 KiB blocks at 64 MiB a second, and a short burst.
 * Of peers that are counted the least recently heard of is forgotten first.
 */
export const STORE_RATE = { perSecond: 2_048, burst: 8_192 } as const
export const STORING_PEERS = 4_096

/**
 * Bytes that one node, and all nodes of one /24 or /48, may have stored here: a tenth and a quarter of the default disk
 * quota, so that one honest putter of large files is served and no one of them can fill a disk.
 */
export const NODE_QUOTA = 1024 * 1024 * 1024
export const PREFIX_QUOTA = 2.5 * 1024 * 1024 * 1024
/** Networks for which it is counted, and nodes in each. */
export const PREFIXES = 4_096
export const NODES_OF_PREFIX = 256

/**
 * Of the rate and of the default disk quota, what all who come by an onion may have together: a fifth (DESIGN.md §6).
 * Nobody among them can be told from another, so what one takes the others have not.
 */
export const ANONYMOUS_STORE_RATE = { perSecond: STORE_RATE.perSecond / 5, burst: STORE_RATE.burst / 5 } as const
export const ANONYMOUS_QUOTA = 2 * NODE_QUOTA
/** Seconds that anything lives that is stored for them. */
export const ANONYMOUS_LIFETIME = 48 * 3_600
/**
 * Bytes that they may have placed on others, where this node is charged for them: a fifth of what one other node takes
 * of it, anew in the time that they live.
 */
export const ANONYMOUS_BYTES = { perSecond: NODE_QUOTA / 5 / ANONYMOUS_LIFETIME, burst: NODE_QUOTA / 5 } as const
/** Lookups for them: each is some ten requests to others. */
export const ANONYMOUS_LOOKUPS = { perSecond: 64, burst: 512 } as const
/** Operations for them at one time, and requests in envelopes of neighbours. */
export const ANONYMOUS_AT_ONCE = 32
export const ENVELOPES_AT_ONCE = 64

/** Other nodes that one anonymous operation of this node's own asks, one after the other, until one has carried it out. */
export const DELEGATES_ASKED = 4
/** How many must have nothing of it before it is not found, and show what changes before the newest is believed. */
export const DELEGATES_AGREEING = 2
/** Nodes whose record delegates look for at one time. */
export const LOOKED_FOR = 16
/** Delegates that did not answer, or not with the truth, and milliseconds for which others are asked before them. */
export const DOUBTED_DELEGATES = 64
export const DOUBTED_FOR = 3_600_000
/** Bytes of an answer for which reply blocks go along: first, where it did not fit, and for a block of content. */
export const SMALL_ANSWER = 3 * 1024
export const LARGE_ANSWER = 62 * 1024
export const BLOCK_ANSWER = 33 * 1024

/** Bytes that a Dht without a network holds: of an app's tests, and of what a node has seen for when it is cut off. */
export const MOCK_BYTES = 64 * 1024 * 1024
export const MIRRORED_BYTES = 16 * 1024 * 1024
/** Seconds for which what was read is remembered for then. */
export const MIRRORED_FOR = 86_400

/** Operations in a row that must come to nothing until the network counts as out of reach. */
export const FAILURES_IN_A_ROW = 3

/** Writes that had waited are read from the disk so many at a time, and sent one after the other. */
export const REPLAY_PAGE = 16
/** How often one is sent that others see and do not take, until it is left to the own store, or set aside. */
export const REPLAY_TRIES = 8
/** Of those, so many are remembered. */
export const REPLAYS_DEFERRED = 1_024

/** Records whose signature is remembered as good: 32 bytes each, against 100 µs for a verification. */
export const VERIFIED_RECORDS = 4_096

/** Buckets that are filled or refreshed at one time: those of a million nodes that lie outside of the neighbourhood. */
export const REFRESHED = 16

/** Peers that are shown this node's new record at one time. */
export const INTRODUCTIONS = 16

/** Peers that are dialled back at one time and in all; milliseconds between two dials for one of them. */
export const DIAL_BACKS = 8
export const DIAL_BACK_RATE = { perSecond: 4, burst: 32 } as const
export const DIAL_BACK_PAUSE = 10_000

/** Requests to slow peers that go on after their lookups, to see whether those peers live. */
export const LINGERING = 64

/** Contacts that wait for their address to be verified, and how many are verified at one time. */
export const PROBE_QUEUE = 256
export const PROBES = 4

/** Providers by whose id content is asked for, whose addresses are remembered. */
export const HINTED_CONTACTS = 256

/** Records of one page while the store is walked through. */
export const SCAN_PAGE = 256
/** Announcements that are renewed at one time. */
export const REPROVIDES = 5

/** Saved peers and bootstrap addresses that are tried at one time, and how many saved ones are tried at all. */
export const JOINS = 8
export const SAVED_PEERS_TRIED = 32
/** So many saved peers are met again at once; the others are in the table, and verified in their time. */
export const SAVED_REACHED = 8
/** Seconds: whom this node verified longer ago is not put back into its table. */
export const SAVED_FOR = 86_400
/** With so many saved peers alive the bootstrap list is not bothered. */
export const ENOUGH_SAVED = 3

/** Entries of one set (kinds 2 and 4) whose nodes are in one /24 or /48 (WIRE.md §6). */
export const NODES_OF_NETWORK_IN_SET = 2

/** Pairs of records that prove that an author signed two versions under one number: 120 KiB each at most. */
export const PROOFS = 32

/** Nonces of work that have admitted a store, so that none does it twice. */
export const SPENT_WORK = 4_096
/** Nonces that are tried before others may go on: a fifth of a millisecond. */
export const WORK_PIECE = 128

/** Stale holders that one read gives the newest version to. */
export const READ_REPAIRS = 8
/** Seconds for which the copy of a block is asked to be kept that a read leaves on its way: for a crowd, not for ever. */
export const CACHED_FOR = 3_600

/** Rows that are looked through for something to evict for one store, in pages of `SCAN_PAGE`, and how many may leave. */
export const EVICTION_PAGES = 8
export const EVICTIONS = 256

/** Seconds that a record must still have to live for neighbours to hand it on to each other. */
export const LEAST_LEFT = 600

/** Ranges of keys that a node compares with its neighbours. */
export const REPLICA_RANGES = 1_024
/** Neighbours that are compared with, and records that are handed on, at one time. */
export const SYNCS = 5
export const TRANSFERS = 5
/** Questions to one neighbour in one round, and ranges that wait to be asked about; the rest is for the next round. */
export const QUESTIONS = 64
export const OPEN_RANGES = 4_096
/** Records that are handed to, and fetched from, one neighbour in one round. */
export const HANDED_ON = 16_384
/** Records that a neighbour names and then has not, until it is asked no further. */
export const MISSES = 16
/** Records that were handed on and refused, by either side, until a round with this neighbour ends. */
export const REFUSALS = 64
/** Neighbours that are known to have come since the last round. */
export const NEWCOMERS = 64

/** Rows that one comparison walks along; comparisons at one time, and those that wait for their turn. */
export const COMPARED_ROWS = 65_536
export const COMPARISONS = 2
export const COMPARISONS_WAITING = 64
/** Rows that a peer may have walked along for it: a store of a million is compared within a quarter of an hour. */
export const ROWS_RATE = { perSecond: 1_024, burst: 131_072 } as const
export const COMPARING_PEERS = 1_024

/** Of those who announced content, so many are asked by `explain` whether they have it: as many as one key may have. */
export const PROVIDERS_ASKED = 10

/** Puts whose holders are remembered, and holders that are asked for a proof in one round, so many at one time. */
export const RECEIPTS = 1_024
export const CHALLENGES = 64
export const CHALLENGED = 5
/** Peers of which it is known how they kept to what was asked of them. */
export const OUTCOMES = 4_096

/** Pinned things that are looked up in one go, and blocks that are stored again at one time. */
export const PINS_PAGE = 64
export const REFRESHES = 5
/** Ticks in which the store is read once, and records of one page. */
export const SCRUB_TICKS = 144
export const SCRUB_PAGE = 32
