/** Ways to break the code, each of a kind that has been seen in programs like this one. */

export interface Mutation {
  readonly name: string
  /** From the root of the checkout. */
  readonly file: string
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
}

export const mutations: ReadonlyArray<Mutation> = [
  {
    name: "an older record wins",
    file: "src/core/dht/storeDecision.ts",
    find: `return offered.seq > held.seq ? "Newer" : "Older"`,
    replace: `return "Newer"`
  },
  {
    name: "acknowledged before it is on the disk",
    file: "layers/dht/CheckedStorePipeline.ts",
    find: "yield* put(isOwn ? { ...row, storedBy: nodeId } : row)",
    replace: "yield* Effect.forkDetach(put(isOwn ? { ...row, storedBy: nodeId } : row))"
  },
  {
    name: "a nonce is used again",
    file: "src/core/session/Noise/CipherState.ts",
    find: "nonce.setUint32(4, this.#counter >>> 0, true)",
    replace: "nonce.setUint32(4, 0, true)"
  },
  {
    name: "contacts are taken unsigned",
    file: "src/core/identity/PeerBook.ts",
    find: `if (shared === undefined && !this.#isSigned(record, bytes)) return Result.fail("forged")`,
    replace: ""
  },
  {
    name: "who waits for a window is not woken",
    file: "src/core/rpc/Window.ts",
    find: `  leave(): void {
    this.#inFlight--
    this.#admit()`,
    replace: `  leave(): void {
    this.#inFlight--`
  },
  {
    name: "a cache grows without a limit",
    file: "src/core/identity/PeerBook.ts",
    find: `if (this.#contacts.size >= this.#limit) this.#contacts.delete(this.#contacts.keys().next().value ?? "")`,
    replace: ""
  },
  {
    name: "a dead contact never leaves the table",
    file: "src/core/dht/BucketTable.ts",
    find: "if (entry === undefined || ++entry.failures < STRIKES) return undefined",
    replace: "if (entry === undefined || ++entry.failures > 0) return undefined"
  },
  {
    name: "a handshake that fails leaks its connection",
    file: "layers/session/shaking.ts",
    find: `count(Metrics.refused, "reason", outcome)
        connection.abort()`,
    replace: `count(Metrics.refused, "reason", outcome)`
  },
  {
    name: "neighbours do not compare",
    file: "layers/dht/NeighbourSync.ts",
    find: "const counts = yield* exchange(contact, shared)",
    replace: "const counts = { sent: 0, fetched: 0, answered: shared.length > 0 }"
  },
  {
    name: "an expired provider is kept",
    file: "src/core/dht/storeDecision.ts",
    find: "Math.min(now + Math.min(ttl, kindLimit), recordExpires ?? Number.POSITIVE_INFINITY)",
    replace: "now + Math.min(ttl, kindLimit) + 0 * (recordExpires ?? 0)"
  },
  {
    name: "anybody may store anywhere",
    file: "layers/dht/CheckedStorePipeline.ts",
    find: "if (!table.isClose(record.key)) return",
    replace: "if (table.size() < 0) return"
  },
  {
    name: "who waits for a place never gets it",
    file: "src/core/dht/BucketTable.ts",
    find: "if (successor !== undefined) this.#enter(bucket, successor)",
    replace: "if (successor !== undefined) bucket.waiting.set(successor.contact.key, successor)"
  },
  {
    name: "the replay set is off",
    file: "src/core/onion/ReplaySet.ts",
    find: `if (tags.has(tag, hash)) return "replayed"`,
    replace: `if (tags.has(tag, hash)) return "entered"`
  },
  {
    name: "keys of onions without the key bytes",
    file: "src/core/onion/layerKeys.ts",
    find: "suite.hkdfSha256(dh, salt, INFO, 3 * KEY_LENGTH)",
    replace: "suite.hkdfSha256(dh, salt.subarray(0, 0), INFO, 3 * KEY_LENGTH)"
  },
  {
    name: "the tag of a body is not checked",
    file: "src/core/onion/peel.ts",
    find: "suite.aead(opened.keys.body).open(ZERO_NONCE, NONE, bodyOf(cell), header.bodyTag)",
    replace: "maskBody(suite, opened.keys.body, bodyOf(cell))"
  },
  {
    name: "an envelope is delivered twice",
    file: "layers/onion/receiving.ts",
    find: "if (deliveries.has(payload.messageId)) return repeated(payload.messageId, payload.blocks)",
    replace: ""
  }
]
