/** The tempo of deliveries. */
import { Context, Duration, Schedule } from "effect"
import type { SendError } from "./RouterHandle.ts"

/** How long one try waits for the ACK. */
export const AckDeadline = Context.Reference<Duration.Duration>("allium/services/router/AckDeadline", {
  defaultValue: () => Duration.seconds(5)
})

/** How long the answer to a question may take that the peer has. */
export const AnswerDeadline = Context.Reference<Duration.Duration>("allium/services/router/AnswerDeadline", {
  defaultValue: () => Duration.seconds(30)
})

/** Tries after the first: 500 ms, doubling, four of them; only what may have been lost is sent again. */
export const SendAgain = Context.Reference<Schedule.Schedule<unknown, SendError>>("allium/services/router/SendAgain", {
  defaultValue: () =>
    Schedule.exponential("500 millis").pipe(
      Schedule.jittered,
      Schedule.upTo({ times: 4 }),
      Schedule.setInputType<SendError>(),
      Schedule.while(({ input }) => input._tag === "Unacknowledged" || input._tag === "SessionClosed")
    )
})
