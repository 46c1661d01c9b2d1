/** What content may cost a node in memory and requests. */

/** Blocks of one put on their way to the DHT; each is held by about five requests. */
export const PUT_BLOCKS_IN_FLIGHT = 16

/** Blocks of one get asked for ahead of the reader: 1 MiB. */
export const GET_READ_AHEAD = 32

/** Blocks of an anonymous put or get under way: each has a delegate of its own, and its cells some twelve hops to go. */
export const ANONYMOUS_BLOCKS_IN_FLIGHT = 6

/** Providers asked for a block before the DHT is searched. */
export const PROVIDER_HINTS = 3
