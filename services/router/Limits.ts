/** What strangers may fill in the router's memory. */

/** Envelopes that wait for one subscriber; while it is full they are not acknowledged. */
export const INCOMING_QUEUE = 256
/** Onion routes carry envelopes of half a mebibyte. Above so many bytes, one waits only where few others do. */
export const LARGE_ENVELOPE = 65_536
export const LARGE_QUEUE = 32
/** Message ids remembered, so that none is delivered twice (WIRE.md §4 asks for 15 minutes). */
export const SEEN_IDS = 65_536
export const SEEN_FOR = 15 * 60 // seconds
/** Of them, those that are not on the disk yet; while there are so many, nothing more is delivered. */
export const UNWRITTEN_IDS = 1_024

/** Recipients whose record was looked up, and those that are being looked up. */
export const KNOWN_RECIPIENTS = 256
export const RECIPIENT_LOOKUPS = 64

/** Relays that are met again in one look around, and at one time. */
export const CONFIRMED = 16
export const CONFIRMED_AT_ONCE = 8
/** Lookups of random ids in one look around. */
export const SEARCHES = 3

/** Answers that are kept for whoever asks again because the first one was lost, and their bytes. */
export const KEPT_ANSWERS = 256
export const KEPT_ANSWER_BYTES = 4 * 2 ** 20
export const KEPT_ANSWERS_FOR = 10 * 60 // seconds
