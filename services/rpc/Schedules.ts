/** The tempo of requests. */
import { Context, Duration } from "effect"

/** How long the answer to a request in an envelope may take; nobody gives it up who can be told. */
export const ServeEnvelopeWithin = Context.Reference<Duration.Duration>("allium/services/rpc/ServeEnvelopeWithin", {
  defaultValue: () => Duration.minutes(1)
})

/**
 * How long an answer may take: the measured round trip and four times its variation (RFC 6298), at least `minimum`
 * because an answer may wait for a disk, at most `maximum`; `initial` before anything was measured.
 */
export const RequestTimeout = Context.Reference<{
  readonly initial: Duration.Duration
  readonly minimum: Duration.Duration
  readonly maximum: Duration.Duration
}>("allium/services/rpc/RequestTimeout", {
  defaultValue: () => ({
    initial: Duration.seconds(3),
    minimum: Duration.seconds(1),
    maximum: Duration.seconds(10)
  })
})
