/**
 * OnionRouter over OnionCells, the RouteTable and the memory of what was delivered. Whoever sends keeps trying until he
 * hears of it; whoever receives hands out once, and says so each time that he is asked.
 */
import { Effect, FiberSet, Layer } from "effect"
import { OnionCells } from "#services/onion/OnionCells"
import { OnionRouter } from "#services/onion/OnionRouter"
import { makeBuilding } from "./building.ts"
import { coverLoops } from "./covering.ts"
import { makeHandingOver } from "./handingOver.ts"
import { makeReceiving } from "./receiving.ts"
import { makeReplying } from "./replying.ts"
import { makeRequests } from "./requesting.ts"
import { makeTidying, type Tidy } from "./tidying.ts"

/** Bytes of an answer for which blocks go along where nobody says how large it may be: it fits the smallest cell. */
const ANSWER_BYTES = 2_048

export const make = Effect.gen(function* () {
  const cells = yield* OnionCells
  const run = yield* FiberSet.makeRuntime<never, void, never>()
  const tidied: Array<Tidy> = []
  const wake = yield* makeTidying(run, () => tidied)
  const building = yield* makeBuilding
  const replying = yield* makeReplying
  const requests = yield* makeRequests(building, wake)
  const receiving = yield* makeReceiving({ replying, run, wake })
  const handing = yield* makeHandingOver(replying, run)
  tidied.push(requests.tidy, receiving.tidy)
  yield* cells.receive({ onDeliver: receiving.onDeliver, onHand: handing.onHand, onReply: requests.onReply })
  yield* coverLoops(building)

  return OnionRouter.of({
    send: Effect.fn("ReliableOnion.send")((to, envelope) => Effect.asVoid(requests.deliver(to, envelope, undefined))),
    request: Effect.fn("ReliableOnion.request")((to, envelope, options) =>
      requests.deliver(to, envelope, options?.answerBytes ?? ANSWER_BYTES)
    ),
    onArrival: (handle) =>
      Effect.acquireRelease(
        Effect.sync(() => void (receiving.handle = handle)),
        () => Effect.sync(() => void (receiving.handle = undefined))
      ),
    onHand: (hand) =>
      Effect.acquireRelease(
        Effect.sync(() => void (handing.hand = hand)),
        () => Effect.sync(() => void (handing.hand = undefined))
      )
  })
})

export const layer = Layer.effect(OnionRouter, make)
