/** The commands that ask the running node one thing and print the answer. */
import { Clock, Effect } from "effect"
import { type Cid, cidText } from "#schemas/content/Cid"
import type { NodeStatus, PeerStatus, ReplicationStatus } from "#services/node/Node"
import { backendText } from "./backends.ts"
import { ask } from "./client.ts"
import {
  ago,
  count,
  duration,
  lifetime,
  note,
  paintOut,
  say,
  sayJson,
  size,
  storedText,
  table,
  tell
} from "./output.ts"

interface Shared {
  readonly data: string
  readonly json: boolean
}

export const showStatus = Effect.fnUntraced(function* ({ data, json }: Shared) {
  const status = yield* ask(data, "asking the node", (client) => client.status())
  const now = (yield* Clock.currentTimeMillis) / 1_000
  yield* tell(json, status, (it) => statusText(it, now))
})

export const showPeers = Effect.fnUntraced(function* ({ data, json }: Shared) {
  const peers = yield* ask(data, "asking the node", (client) => client.peers())
  const now = (yield* Clock.currentTimeMillis) / 1_000
  yield* Effect.forEach(peers, (peer) => tell(json, peer, (it) => peerText(it, now)), { discard: true })
  if (peers.length === 0) yield* note("no other node is known")
  else if (!json) yield* note("bucket first; ● has a session, ○ is only known")
})

export const showProvide = Effect.fnUntraced(function* ({ data, json }: Shared, cid: Cid) {
  const receipt = yield* ask(data, "announcing it", (client) => client.provide({ params: { cid } }))
  if (json) yield* sayJson(receipt)
  else yield* note(storedText("announced", receipt))
})

export const showProviders = Effect.fnUntraced(function* ({ data, json }: Shared, cid: Cid) {
  const providers = yield* ask(data, "looking for announcements", (client) => client.providers({ params: { cid } }))
  const now = (yield* Clock.currentTimeMillis) / 1_000
  yield* Effect.forEach(
    providers,
    (provider) =>
      json
        ? sayJson({ cid: cidText(cid), ...provider })
        : say(`${provider.did}  ${paintOut.dim(`announcement ${lifetime(provider.expires, now)}`)}`),
    { discard: true }
  )
  if (providers.length === 0) yield* note("nobody has announced it")
})

const statusText = (status: NodeStatus, now: number): string =>
  table([
    ["did", status.did],
    ["network", status.local ? "local" : status.network],
    ["listening", status.listening.join("\n") || "nowhere"],
    ["state", `${status.joined ? "joined" : "looking for other nodes"}, ${modeText(status)}`],
    ["peers", `${status.sessions} connected, ${status.contacts} known`],
    ["records", `${status.records}, ${size(status.storedBytes)}`],
    ["kept", keptText(status.replication)],
    ["upkeep", upkeepText(status.replication, now)],
    ...fallbackRow(status, now),
    ["memory", size(status.memoryBytes)],
    ["up", duration(status.uptimeSeconds * 1_000)]
  ])

const fallbackRow = ({ fallback }: NodeStatus, now: number): ReadonlyArray<readonly [string, string]> =>
  fallback === null ? [] : [["backend", backendText(fallback, now)]]

const modeText = ({ mode, relays }: NodeStatus): string => (relays ? `${mode}, relays for others` : mode)

const keptText = ({ critical, degraded, healthy, kept, unknown }: ReplicationStatus): string => {
  if (kept === 0) return "nothing"
  const parts = [
    [healthy, paintOut.green("healthy")],
    [degraded, paintOut.yellow("degraded")],
    [critical, paintOut.red("critical")],
    [unknown, paintOut.dim("not looked at yet")]
  ] as const
  const told = parts.flatMap(([number, name]) => (number === 0 ? [] : [`${number} ${name}`]))
  return `${count(kept, "thing")}: ${told.join(", ")}`
}

const upkeepText = ({ lastScrub, lastSync }: ReplicationStatus, now: number): string =>
  `compared with neighbours ${ago(lastSync, now)}, disk read through ${ago(lastScrub, now)}`

const peerText = (peer: PeerStatus, now: number): string => {
  const { failures, inTable, relays, session, verifiedAt } = peer
  const trip = session?.roundTripMillis == null ? "" : ` ${session.roundTripMillis.toFixed(1)} ms`
  const parts = [
    ...(session === null
      ? []
      : [`${session.dialled ? "out" : "in"}${trip}, for ${duration(session.sinceSeconds * 1_000)}`]),
    inTable ? `found there ${ago(verifiedAt, now)}` : "not in the table",
    ...(relays ? ["relays"] : []),
    ...(failures === 0 ? [] : [count(failures, "failure")])
  ]
  const mark = session === null ? paintOut.dim("○") : paintOut.green("●")
  return `${String(peer.bucket).padStart(3)} ${mark} ${peer.address}  ${paintOut.dim(parts.join("; "))}`
}
