/** Collects what one step has to tell each neighbour, and sends it in as few frames as their limits allow. */
import type { Action } from "#core/gossip/MeshRules"
import { bytesOfKey } from "#schemas/bytes/bytes"
import { type GossipFrameFields, IDS_LIMIT, MESSAGES_LIMIT, TOPICS_LIMIT, write } from "#schemas/gossip/GossipFrame"
import { INNER_LIMIT } from "#schemas/session/Frame"

type List = keyof GossipFrameFields

/** Entries of each list in a frame. */
const LIMITS: Record<List, number> = {
  messages: MESSAGES_LIMIT,
  ihave: TOPICS_LIMIT,
  iwant: IDS_LIMIT,
  graft: TOPICS_LIMIT,
  prune: TOPICS_LIMIT,
  topics: TOPICS_LIMIT
}

/** An id or a topic with its head; what else stands in an entry beside them; the heads of the frame and its lists. */
const ID_BYTES = 34
const ENTRY_BYTES = 16
const FRAME_BYTES = 32

interface Draft {
  readonly lists: { [L in List]: Array<GossipFrameFields[L][number]> }
  bytes: number
}

const emptyDraft = (): Draft => ({
  lists: { messages: [], ihave: [], iwant: [], graft: [], prune: [], topics: [] },
  bytes: FRAME_BYTES
})

export class Outbox {
  readonly #drafts = new Map<string, Draft>()
  readonly #send: (peer: string, payload: Uint8Array) => void

  constructor(send: (peer: string, payload: Uint8Array) => void) {
    this.#send = send
  }

  message(peer: string, message: Uint8Array): void {
    this.#add(peer, "messages", message, message.length + ENTRY_BYTES)
  }

  /** `ids` at most 256. */
  ihave(peer: string, topic: string, ids: ReadonlyArray<Uint8Array>): void {
    this.#add(peer, "ihave", { topic: bytesOfKey(topic), ids }, (ids.length + 1) * ID_BYTES + ENTRY_BYTES)
  }

  iwant(peer: string, id: Uint8Array): void {
    this.#add(peer, "iwant", id, ID_BYTES)
  }

  /** What a step of the mesh has for neighbours. */
  act(actions: ReadonlyArray<Action>): void {
    for (const action of actions) {
      const topic = bytesOfKey(action.topic)
      const bytes = ID_BYTES + ENTRY_BYTES
      if (action._tag === "Graft") this.#add(action.peer, "graft", topic, bytes)
      else if (action._tag === "Prune") this.#add(action.peer, "prune", { topic, backoff: action.backoff }, bytes)
      else this.#add(action.peer, "topics", { topic, on: action.on }, bytes)
    }
  }

  /** The end of a step. Frames leave in the order in which their neighbours were first thought of. */
  flush(): void {
    if (this.#drafts.size === 0) return
    for (const [peer, { lists }] of this.#drafts) this.#send(peer, write(lists))
    this.#drafts.clear()
  }

  #add<L extends List>(peer: string, list: L, entry: GossipFrameFields[L][number], bytes: number): void {
    let draft = this.#drafts.get(peer)
    if (draft !== undefined && (draft.lists[list].length >= LIMITS[list] || draft.bytes + bytes > INNER_LIMIT)) {
      this.#send(peer, write(draft.lists))
      draft = undefined
    }
    if (draft === undefined) this.#drafts.set(peer, (draft = emptyDraft()))
    draft.lists[list].push(entry)
    draft.bytes += bytes
  }
}
