/** What strangers may fill, and how much they may ask for, through shared documents. */

/** Documents open at the same time. Neighbours of gossip accept 64 topics of one node. */
export const OPEN_DOCUMENTS = 64

/** Authors of one document: what a node keeps in memory of each is some 300 bytes. */
export const DOCUMENT_AUTHORS = 4_096

/** Operations of one document that came before what they build upon. What leaves is fetched again. */
export const EARLY = { count: 1_024, bytes: 2 * 1024 * 1024 } as const

/** Operations carried out and not yet on the disk; where there are more, nothing is taken before they are. */
export const UNSAVED = 4_096

/** Proofs of equivocation kept of one document. */
export const DOCUMENT_PROOFS = 64

/** Bytes of records in one answer, so that it fits a frame, and records in it. */
export const PAGE_BYTES = 62 * 1024
export const PAGE_RECORDS = 512

/** Bytes of a snapshot in one answer. */
export const PIECE_BYTES = 60 * 1024

/** Comparisons with peers under way at the same time, of all documents. */
export const COMPARISONS = 8

/** Pages and pieces read for peers at the same time, of all documents: each is some queries to the disk. */
export const SERVED_READS = 16

/** Peers to compare with that wait for their turn, of one document. */
export const WAITING_PEERS = 64

/** Pages fetched in one comparison, so that a peer who makes operations as fast as we fetch them does not hold us: some
 * 180 operations each. */
export const PAGES = 4_096

/** Operations of one document that were looked for on the network, in vain perhaps; they are not looked for again soon. */
export const ASKED_OPS = 1_024

/** Peers of one document whose logs cannot be joined with the one here. */
export const PARTED_PEERS = 64

/** Peers that a document looks for when it has fewer. */
export const WANTED_PEERS = 3

/** Changes that one reader of a Stream may be behind. */
export const CHANGES = 256
