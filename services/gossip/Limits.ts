/** What strangers may fill, and how much they may ask for, through gossip. */
import type { AllowanceRates } from "#core/gossip/Allowance"

/** Messages that wait for one subscriber; what comes while it is full is not delivered there, and counted. */
export const SUBSCRIBER_QUEUE = 256

/**
 * Messages whose signature is verified, from all neighbours together. At 7,000 verifications a second it is an eighth of
 * a core; and what `SEEN_IDS` holds is what comes at this rate while an id is remembered.
 */
export const CHECKS = { perSecond: 800, burst: 3_200 } as const
/** Ids remembered, some 100 bytes each: 800 a second for 144 s, and the burst. */
export const SEEN_IDS = 131_072

/** Messages kept for neighbours that ask, and their bytes. */
export const CACHED_MESSAGES = 4_096
export const CACHED_BYTES = 16 * 1024 * 1024

/** Messages asked for that have not come, in all and of one neighbour. */
export const WANTED_MESSAGES = 4_096
export const WANTED_OF_PEER = 512

/** Back-offs remembered: of 64 topics with 128 neighbours each. */
export const BACKOFFS = 8_192
/** Bad scores remembered of neighbours that have left. */
export const GONE_SCORES = 4_096

/** Messages whose validators have not answered yet, in all and of one neighbour; what comes meanwhile is not taken. */
export const VALIDATING = 256
export const VALIDATING_OF_PEER = 64

/** Own messages; who publishes more waits. Neighbours take it for a flood above `messages` below. */
export const PUBLISH_RATE = { perSecond: 100, burst: 200 } as const

/** What one neighbour may cause: more messages than a node verifies, so that a fast neighbour in a busy mesh is none. */
export const ALLOWANCE: AllowanceRates = {
  messages: { perSecond: 2_000, burst: 8_000 },
  checks: { perSecond: 400, burst: 1_600 },
  controls: { perSecond: 64, burst: 1_024 },
  ids: { perSecond: 1_024, burst: 8_192 },
  answers: { perSecond: 64 * 1024, burst: 1024 * 1024 }
}

/** Bytes sent because somebody asked, to all neighbours together. */
export const ANSWERS = { perSecond: 4 * 1024 * 1024, burst: 16 * 1024 * 1024 } as const
