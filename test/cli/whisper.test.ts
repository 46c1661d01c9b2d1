import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { concatBytes } from "#schemas/bytes/bytes"
import { cidOfDigest, cidText, RAW } from "#schemas/content/Cid"
import type { Blobs } from "#services/content/Blobs"
import { PrivacyUnavailable } from "#services/dht/Dht"
import type { RecordStore } from "#services/storage/RecordStore"
import { CellLog } from "../../src/cli/cellLog.ts"
import type { LocalNode } from "../../src/cli/localNetwork.ts"
import type { Teller } from "../../src/cli/teller.ts"
import { whisper } from "../../src/cli/whisper.ts"

interface Conditions {
  /** Letters of which everybody comes to have a copy. */
  readonly everywhere?: number
  /** Tries of each act that fail before one succeeds. */
  readonly silent?: number
}

/** What is told of five nodes that share one memory, in which the last has a copy only of the first letters. */
const toldOf = ({ everywhere = 0, silent = 0 }: Conditions) => {
  const letters: Array<{ readonly cid: string; readonly bytes: Uint8Array }> = []
  let failures = 0
  const answered = <A>(effect: Effect.Effect<A>) =>
    Effect.suspend((): Effect.Effect<A, PrivacyUnavailable> => {
      if (failures++ % (silent + 1) === silent) return effect
      return Effect.fail(new PrivacyUnavailable({ reason: "nobody answered" }))
    })
  const blobs = {
    put: (content: Stream.Stream<Uint8Array>) =>
      answered(
        Effect.map(Stream.runCollect(content), (pieces) => {
          const bytes = concatBytes(pieces)
          const cid = cidOfDigest(RAW, new Uint8Array(createHash("sha256").update(bytes).digest()))
          letters.push({ cid: cidText(cid), bytes })
          return { cid, bytes: bytes.length, replicas: 3 }
        })
      ),
    get: (cid: Parameters<typeof cidText>[0]) =>
      Stream.fromEffect(answered(Effect.sync(() => letters.find((it) => it.cid === cidText(cid))?.bytes)))
  } as unknown as Blobs["Service"]
  const nodes = [1, 2, 3, 4, 5].map((number) => {
    const get = (_: number, digest: Uint8Array) =>
      Effect.sync(() => {
        const at = letters.findIndex(({ cid }) => cid === cidText(cidOfDigest(RAW, digest)))
        return number < 5 || at < everywhere ? [letters[at]] : []
      })
    return { name: `node-${number}`, blobs, store: { get } as unknown as RecordStore["Service"] } as LocalNode
  })
  const steps: Array<readonly [string, string]> = []
  const tell: Teller = {
    line: (step, { text }) => Effect.sync(() => void steps.push([step, text])),
    timed: (step, effect, told) => Effect.tap(effect, (value) => tell.line(step, told(value))),
    stayUp: () => Effect.void
  }
  const [first, ...others] = nodes as [LocalNode, ...Array<LocalNode>]
  return Effect.as(whisper(tell, [first, ...others], new CellLog()), steps)
}

const namesOf = (steps: ReadonlyArray<readonly [string, string]>) => steps.map(([step]) => step)

describe("whisper", () => {
  it.effect("writes further letters until somebody has no copy of one", () =>
    Effect.gen(function* () {
      const steps = yield* toldOf({ everywhere: 3 })
      assert.deepStrictEqual(namesOf(steps), [...new Array<string>(4).fill("whisper"), "fetch", "overheard"])
      assert.match(steps[3]?.[1] ?? "", /another letter/)
    })
  )

  it.effect("gives up, and says why, where everybody has a copy of each", () =>
    Effect.gen(function* () {
      const steps = yield* toldOf({ everywhere: 100 })
      assert.strictEqual(steps.length, 9)
      assert.match(steps.at(-1)?.[1] ?? "", /everybody has a copy by now/)
    })
  )

  it.effect("asks again where nobody answered in time, and not for ever", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(namesOf(yield* toldOf({ silent: 2 })), ["whisper", "fetch", "overheard"])
      const steps = yield* toldOf({ silent: 3 })
      assert.deepStrictEqual(namesOf(steps), ["overheard"])
      assert.match(steps[0]?.[1] ?? "", /nobody answered/)
    })
  )
})
