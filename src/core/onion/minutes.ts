/**
 * The ttl of cells: the minute in which they die, as 16 bits that come round every 45 days (WIRE §4). It stands in every
 * layer and is the same in all of them, since one that counts down would tell each hop how far along it is.
 */

/** Values of a ttl; 0 is none of them. */
const ROUND = 65_535

/** Minutes that a sender may lay down: of a request, and of a reply block, whose answer takes its time. */
export const REQUEST_MINUTES = 4
export const REPLY_MINUTES = 10

/** Minutes by which the clocks of two nodes may differ. */
export const SKEW_MINUTES = 2

/** `now` in unix seconds. */
export const minuteOf = (now: number): number => Math.floor(now / 60)

export const ttlOf = (minute: number): number => (minute % ROUND) + 1

/** Whole minutes from `minute` to the minute of death; the last one is 0, below that it is over. 0 is always dead. */
export const minutesLeft = (ttl: number, minute: number): number => {
  if (ttl === 0) return Number.NEGATIVE_INFINITY
  const ahead = (ttl - 1 - (minute % ROUND) + ROUND) % ROUND
  return ahead > ROUND / 2 ? ahead - ROUND : ahead
}

/** Why a ttl is not taken, if so. A sender's clock may be ahead of this one, so the limit is. */
export const ttlRefusal = (ttl: number, reply: boolean, minute: number): "expired" | "too far" | undefined => {
  const left = minutesLeft(ttl, minute)
  if (left < 0) return "expired"
  return left > (reply ? REPLY_MINUTES : REQUEST_MINUTES) + SKEW_MINUTES ? "too far" : undefined
}
