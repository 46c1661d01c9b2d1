/** The tempo of content. */
import { Context, Schedule } from "effect"
import type { GetError } from "../dht/Dht.ts"

/**
 * A block that nobody had is asked for again: after 200 ms, then 400, give or take. By then a holder that was just
 * restarting or a replica that was just on its way may answer; content that does not exist is known in a second.
 * Other failures are final.
 */
export const BlockAgain = Context.Reference<Schedule.Schedule<unknown, GetError>>(
  "allium/services/content/BlockAgain",
  {
    defaultValue: () =>
      Schedule.exponential("200 millis").pipe(
        Schedule.jittered,
        Schedule.upTo({ times: 2 }),
        Schedule.setInputType<GetError>(),
        Schedule.while(({ input }) => input._tag === "NotFound")
      )
  }
)
