/** Takes every letter that arrives at a node out of its router, as an app would: one on every node of a world with a post. */
import { Effect, Layer, Queue } from "effect"
import { Identity } from "#services/identity/Identity"
import { RouterHandle } from "#services/router/RouterHandle"
import type { Post } from "./Post.ts"

/** Sealed by the app, as far as routers know. */
export const LETTER = "MLS_PAYLOAD"

export const mailbox = (post: Post) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const [router, { nodeId }] = [yield* RouterHandle, yield* Identity]
      const arriving = yield* router.incoming(LETTER)
      yield* Queue.take(arriving).pipe(
        Effect.map(({ envelope }) => post.onHanded?.(nodeId, envelope.body)),
        Effect.forever,
        Effect.forkScoped
      )
    })
  )
