/** `allium store audit`, `stats` and `rotate`: what was done, how it goes, and new keys. */
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import { root } from "./root.ts"
import { limitFlag } from "./storeLooking.ts"

const audit = Command.make(
  "audit",
  {
    follow: Flag.Boolean("follow").pipe(
      Flag.withAlias("f"),
      Flag.withDescription("Go on with each line as it is written, until it is interrupted"),
      Flag.withDefault(false)
    ),
    verify: Flag.Boolean("verify").pipe(
      Flag.withDescription("Check the whole chain instead: that no line was changed, added or removed"),
      Flag.withDefault(false)
    ),
    limit: limitFlag("lines", 50)
  },
  Effect.fnUntraced(function* ({ follow, limit, verify }) {
    const { followAudit, showAudit, verifyAudit } = yield* Effect.promise(() => import("./storeAudit.ts"))
    const shared = yield* root
    yield* verify ? verifyAudit(shared) : follow ? followAudit(shared, limit) : showAudit(shared, limit)
  })
).pipe(
  Command.withDescription("Show what was done with encrypted content on this node, refusals too"),
  Command.withExamples([
    { command: "allium store audit --limit 20", description: "The last twenty lines" },
    { command: "allium store audit --verify", description: "See whether somebody has changed any of them" }
  ])
)

const stats = Command.make(
  "stats",
  {},
  Effect.fnUntraced(function* () {
    const { showStats } = yield* Effect.promise(() => import("./storeUpkeep.ts"))
    yield* showStats(yield* root)
  })
).pipe(
  Command.withDescription("Show how much was stored and read since the node started, and what its cache spared"),
  Command.withExamples([{ command: "allium store stats", description: "See how it goes" }])
)

const rotate = Command.make(
  "rotate",
  { role: Flag.String("role").pipe(Flag.withDescription("Whose content is to be encrypted to the keys of now")) },
  Effect.fnUntraced(function* ({ role }) {
    const { rotateRole } = yield* Effect.promise(() => import("./storeUpkeep.ts"))
    yield* rotateRole(yield* root, role)
  })
).pipe(
  Command.withDescription(
    "Encrypt what this node stored in a role's name anew, after its keys or readers have changed"
  ),
  Command.withExamples([
    { command: "allium store rotate --role developer", description: "Go on where it was interrupted, too" }
  ])
)

export const storeKeeping = [audit, stats, rotate] as const
