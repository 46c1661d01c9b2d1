/** What `allium explain` does: asks the running node, and tells what it found in the order in which a person asks. */
import { Clock, Effect, Result } from "effect"
import { bytesOfHex } from "#schemas/bytes/bytes"
import { cidText } from "#schemas/content/Cid"
import { nodeIdText } from "#schemas/identity/NodeId"
import type { ContentExplanation, HolderAnswer, PeerExplanation } from "#services/dht/Diagnostics"
import { ask } from "./client.ts"
import { wrongUsage } from "./Failure.ts"
import { ago, count, duration, harmless, lifetime, note, paintOut, say, sayJson, table } from "./output.ts"
import { paintHealth } from "./pinning.ts"
import { readSubject } from "./subject.ts"

interface Shared {
  readonly data: string
  readonly json: boolean
}

export const explainSubject = Effect.fnUntraced(function* ({ data, json }: Shared, text: string) {
  const subject = readSubject(text)
  if (Result.isFailure(subject)) return yield* wrongUsage(`"${text}" ${subject.failure}`)
  const now = (yield* Clock.currentTimeMillis) / 1_000
  if (subject.success._tag === "Content") {
    const { cid } = subject.success
    const told = yield* ask(data, `asking who has ${cidText(cid)}`, (client) =>
      client.explainContent({ params: { cid } })
    )
    yield* json ? sayJson(told) : say(contentText(told, now))
    return yield* json ? Effect.void : advise(contentAdvice(told))
  }
  const { address, nodeId } = subject.success
  const told = yield* ask(data, `looking for ${nodeIdText(nodeId)}`, (client) =>
    client.explainPeer({ params: { nodeId }, query: address === undefined ? {} : { address } })
  )
  yield* json ? sayJson(told) : say(peerText(told, now))
  return yield* json ? Effect.void : advise(peerAdvice(told))
})

/** What to do next, if anything. */
const advise = (sentence: string | undefined) => (sentence === undefined ? Effect.void : note(sentence))

/** As addresses show it. */
const idText = (hex: string): string => nodeIdText(bytesOfHex(hex) ?? new Uint8Array(32))
const shortId = (hex: string): string => idText(hex).slice(-8)

/** In one line: for `explain` and for the story of `allium network`. */
export const healthText = ({ health, holders, target }: ContentExplanation): string =>
  `${paintHealth(health)}: ${count(holders, "copy", "copies")} found, ${target} wanted`

const contentText = (told: ContentExplanation, now: number): string => {
  const { answers, failures, hops, milliseconds, path, requests, finished } = { ...told, ...told.lookup }
  const way = path.length === 0 ? "" : `\n${path.map(shortId).join(" → ")}`
  const asked = `${count(requests, "node")} asked, ${failures} silent, ${count(hops, "hop")}, ${duration(milliseconds)}${way}`
  const kept =
    told.pinned === null
      ? "not by this node"
      : `by this node, ${count(told.pinned.factor, "copy", "copies")}, next in ${duration(Math.max(0, told.pinned.nextRefresh - now) * 1_000)}`
  const nodes = answers.map((answer) => holderText(answer)).join("\n")
  return [
    table([
      ["content", told.cid],
      ["key", told.key],
      ["health", healthText(told)],
      ["here", told.localExpires === null ? "not held" : lifetime(told.localExpires, now)],
      ["refreshed", kept],
      ["announced", told.providers.length === 0 ? "by nobody" : `by ${told.providers.map(shortId).join(", ")}`],
      ["lookup", finished ? asked : "given up: the nodes below are those that this one knew before"],
      ["nodes", answers.length === 0 ? "nobody else is known" : "closest first, * where it should be"]
    ]),
    ...(nodes === "" ? [] : [nodes])
  ].join("\n")
}

const holderText = ({ address, answer, closeness, detail, expected, milliseconds, nodeId }: HolderAnswer): string => {
  const paint = answer === "holds" ? paintOut.green : answer === "does not" ? paintOut.yellow : paintOut.red
  const where = address === "" ? idText(nodeId) : address
  const time = milliseconds === 0 ? "" : `, ${duration(milliseconds)}`
  return `${expected ? "*" : " "} ${paint(answer.padEnd(12))}${where}  ${paintOut.dim(`${count(closeness, "bit")}, ${harmless(detail)}${time}`)}`
}

const contentAdvice = ({ answers, health, holders, pinned, target }: ContentExplanation): string | undefined => {
  if (holders === 0) return "nobody who was asked has it: put it again where the file still is, or wait for its holder"
  if (health === "healthy")
    return pinned === null ? `it dies unless somebody refreshes it: "allium pin" does` : undefined
  const live = answers.filter(({ answer }) => answer !== "silent")
  if (live.every(({ answer }) => answer === "holds"))
    return `everybody who answered holds it: with more nodes there will be ${count(target, "copy", "copies")}`
  return pinned === null
    ? `"allium pin" makes up the ${count(target - holders, "copy", "copies")} missing, and keeps it so`
    : "this node makes up what is missing at its next refresh"
}

/** The bits that a node shares with itself. */
const ITSELF = 256

const STANDING: Record<PeerExplanation["standing"], string> = {
  table: "in the routing table",
  waiting: "waiting for a place in a full bucket",
  retired: "out of the table for not answering, and looked for ever more rarely",
  unknown: "not in the table"
}

const peerText = (told: PeerExplanation, now: number): string => {
  const { dial, session } = told
  const names = [["node", idText(told.nodeId)] as const, ["id", told.nodeId] as const]
  if (told.bucket === ITSELF) return table([...names, ["bucket", `this node itself: see "allium status"`]])
  const trip = session?.roundTripMillis == null ? "" : `, ${session.roundTripMillis.toFixed(1)} ms`
  const open =
    session === null
      ? "none"
      : `${session.dialled ? "dialled by this node" : "dialled by it"} ${ago(now - session.sinceSeconds, now)}${trip}${session.agent === null ? "" : `, ${harmless(session.agent)}`}`
  const dialled = dial === null ? [] : [["dialled now", dialText(dial)] as const]
  return table([
    ...names,
    ["bucket", `${told.bucket}, ${STANDING[told.standing]}`],
    ["addresses", told.addresses.join("\n") || "none known"],
    ["found there", `${ago(told.verifiedAt, now)}${told.shareable ? ", so it is named to others" : ""}`],
    ["last heard", ago(told.lastSeen, now)],
    ["failures", `${told.failures} in a row`],
    ["session", open],
    ...dialled
  ])
}

const dialText = ({ layer, reached, reason }: NonNullable<PeerExplanation["dial"]>): string =>
  reached ? paintOut.green("reached") : `${paintOut.red("not reached")}: ${layer}, ${reason}`

const ADVICE: Record<string, string> = {
  address: `ask its operator for its address, and try "allium explain" with that`,
  transport: "look whether it is running, and whether a firewall or router stands before it",
  handshake: "another node, another network or another program answers there: compare its address and network",
  session: "wait a minute and try again: it has just failed, or was banned"
}

const peerAdvice = ({ bucket, dial }: PeerExplanation): string | undefined =>
  dial === null || dial.reached || bucket === ITSELF ? undefined : ADVICE[dial.layer]
