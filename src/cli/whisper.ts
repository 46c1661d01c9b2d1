/**
 * The act of `allium network` in which nobody learns who did it: one node has a letter stored, another has it fetched,
 * both by way of relays. Then everybody through whose hands it went says what there was to be seen.
 */
import { Effect, Stream } from "effect"
import { concatBytes, equalBytes, utf8 } from "#schemas/bytes/bytes"
import { cidText, digestOf } from "#schemas/content/Cid"
import { RecordKind } from "#schemas/dht/Record"
import type { CellLog, SeenCell } from "./cellLog.ts"
import { failure } from "./Failure.ts"
import type { LocalNode } from "./localNetwork.ts"
import { count, paintOut, size } from "./output.ts"
import type { Teller } from "./teller.ts"

const TEXT = "Meet me where the river bends. Tell nobody. "
/** What would be found in a cell that showed any of it. */
const MARK = utf8(TEXT).subarray(0, 16)

/**
 * Who stores slowly is made up for by somebody else and may have stored as well. So on a busy machine everybody comes to
 * have a copy at times, and nobody has to ask for one; of a further letter that is as unlikely again.
 */
const LETTERS = 8

/** Further tries, where those who were to do it did not answer in time. */
const AGAIN = 2

/** Three relays, who asks, and who does it. */
const ENOUGH = 5

const anonymously = { privacy: "anonymous" } as const

type Nodes = readonly [LocalNode, ...Array<LocalNode>]

export const whisper = Effect.fnUntraced(
  function* (tell: Teller, nodes: Nodes, log: CellLog) {
    if (nodes.length < ENOUGH)
      return yield* tell.line("overheard", {
        text: `nobody can be anonymous among ${nodes.length} nodes, three relays and two ends are ${ENOUGH}: try it with more --nodes`,
        data: { links: 0 }
      })
    const sent = yield* send(tell, nodes)
    if (sent === undefined)
      return yield* tell.line("overheard", {
        text: "everybody has a copy by now, so nobody has to ask for one: try it with more --nodes",
        data: { links: 0 }
      })
    const { cid, letter, reader } = sent
    log.begin(MARK)
    const fetch = Effect.map(Stream.runCollect(reader.blobs.get(cid, anonymously)), (pieces) => concatBytes(pieces))
    const fetched = yield* tell.timed("fetch", persistently(fetch), () => ({
      text: `${paintOut.bold(reader.name)} had it fetched, in sealed cells from relay to relay:`,
      data: { node: reader.name, cid: cidText(cid) }
    }))
    if (!equalBytes(fetched, letter)) return yield* failure(`${reader.name} fetched another letter: ${DEFECT}`)
    // The last cell is still being peeled: its content was here before that was done.
    yield* Effect.yieldNow
    yield* overheard(tell, nodes, reader, log.cells)
  },
  // A few nodes are not enough for everybody; the story goes on without.
  (effect, tell) =>
    Effect.catchTag(effect, "PrivacyUnavailable", ({ reason }) =>
      tell.line("overheard", { text: `nothing can be done anonymously here: ${reason}`, data: { links: 0, reason } })
    )
)

const DEFECT = "this is a defect of allium, please report it"

const persistently = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.retry(effect, { times: AGAIN, while: ({ _tag }) => _tag === "PrivacyUnavailable" })

/** Has a letter stored of which somebody has no copy; undefined where everybody had one of each. */
const send = Effect.fnUntraced(function* (tell: Teller, nodes: Nodes) {
  const [writer] = nodes
  for (let number = 1; number <= LETTERS; number++) {
    const letter = utf8(`${TEXT.repeat(100)}${number}`)
    const put = persistently(writer.blobs.put(Stream.make(letter), anonymously))
    const { cid } = yield* tell.timed("whisper", put, (put) => ({
      text: `${paintOut.bold(writer.name)} had somebody store ${number === 1 ? "a" : "another"} letter, who does not know for whom`,
      data: { node: writer.name, cid: cidText(put.cid), bytes: put.bytes, replicas: put.replicas }
    }))
    const reader = yield* withoutCopy(nodes.slice(1), digestOf(cid))
    if (reader !== undefined) return { cid, letter, reader }
  }
  return undefined
})

const withoutCopy = Effect.fnUntraced(function* (nodes: ReadonlyArray<LocalNode>, digest: Uint8Array) {
  for (const node of nodes) if ((yield* node.store.get(RecordKind.Block, digest)).length === 0) return node
  return undefined
})

/** What each of them saw, in the order in which it did. */
const overheard = Effect.fnUntraced(function* (
  tell: Teller,
  nodes: Nodes,
  reader: LocalNode,
  cells: ReadonlyArray<SeenCell>
) {
  const names = new Map(nodes.map(({ key, name }) => [key, name]))
  const nameOf = (key: string | undefined): string | null =>
    key === undefined ? null : (names.get(key) ?? "a stranger")
  for (const { bytes, from, node, to } of cells) {
    const seen = { from: nameOf(from), to: nameOf(to), bytes: size(bytes) }
    const role = node === reader.name ? "reader" : from !== undefined && to !== undefined ? "relay" : "delegate"
    yield* tell.line("cell", {
      text: `  ${paintOut.bold(node)} ${sightOf(role, seen)}`,
      data: { node, role, from: seen.from, to: seen.to, bytes }
    })
  }
  const legible = cells.filter(({ isLegible }) => isLegible).length
  if (legible > 0) return yield* failure(`${count(legible, "cell")} showed what is in the letter: ${DEFECT}`)
  const links = cells.filter(({ to }) => to !== undefined).length
  const relays = new Set(cells.flatMap(({ from, node, to }) => (from !== undefined && to !== undefined ? [node] : [])))
  yield* tell.line("overheard", {
    text: `${count(relays.size, "relay")} carried it over ${count(links, "link")}, and nowhere stood a word of the letter`,
    data: { links, relays: relays.size, legible }
  })
})

interface Sight {
  readonly from: string | null
  readonly to: string | null
  readonly bytes: string
}

const sightOf = (role: "reader" | "relay" | "delegate", { bytes, from, to }: Sight): string => {
  if (role === "relay") return `saw ${bytes} come from ${from} and go to ${to}; not what, nor for whom`
  if (role === "reader")
    return from === null ? `sealed its question and sent ${bytes} to ${to}` : `opened ${bytes} that came from ${from}`
  return from === null
    ? `sent ${bytes} with the answer to ${to}, not knowing where it goes from there`
    : `was asked in ${bytes} from ${from}, not knowing by whom, and looked for the letter`
}
