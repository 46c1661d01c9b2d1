/**
 * The memory of what was delivered, for both ways: no message id is delivered twice within 15 minutes, over restarts
 * either (WIRE §4). Ids are drawn at random by whoever sends, so one counts whatever its way: an envelope that comes
 * first by one exit and then by another is still the same.
 */
import { Context } from "effect"
import type { MessageId } from "#schemas/router/InnerEnvelope"

export class Deliveries extends Context.Service<
  Deliveries,
  {
    readonly has: (messageId: MessageId) => boolean
    /** So many ids wait for the disk that nothing more should be delivered. */
    readonly isFull: () => boolean
    /**
     * Remembers the id from this moment on. `durable` is called when it is written down, at once if it is; until then
     * nobody may acknowledge it. While the disk refuses it is not called; the next envelope has it asked again, and of an
     * id that comes twice before it is written only the first `durable` is called.
     */
    readonly remember: (messageId: MessageId, durable: () => void) => void
  }
>()("allium/services/router/Deliveries") {}
