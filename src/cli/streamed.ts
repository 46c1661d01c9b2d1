/** What comes from the node piece by piece: a stream that breaks off is told in a sentence like all else. */
import { Stream } from "effect"
import type * as Sse from "effect/encoding/Sse"
import { failure } from "./Failure.ts"

const isBroken = (error: { readonly _tag: string }): error is Sse.Retry | Sse.SseError =>
  error._tag === "Retry" || error._tag === "SseError"

export const streamed = <A, E extends { readonly _tag: string }>(stream: Stream.Stream<A, E>) =>
  Stream.mapError(stream, (error) =>
    isBroken(error)
      ? failure("the node's answer broke off: see whether it still runs, and try again")
      : (error as Exclude<E, Sse.Retry | Sse.SseError>)
  )
