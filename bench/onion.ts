/**
 * Onion cells of class 0 over three relays and the recipient: how many one core builds and peels, with ephemeral keys
 * made ahead, beside the X25519 agreements that the same core makes in the same run. One JSON line a figure.
 *
 *   agreement         one, between keys that are imported already: a build cannot do with fewer than four, a peel than one
 *   build             a whole cell, four layers; agreement_share is the part of it that the four agreements take
 *   peel.relay        a cell comes in and the next one goes out
 *   peel.recipient    a cell comes in and its payload is read
 *   peel.replayed     a cell that was here before
 *   reply.prepare, .seal, .open   a reply block over three relays, an answer by it, its opening
 *   key               an ephemeral key pair, made ahead
 */
import { performance } from "node:perf_hooks"
import { Result } from "effect"
import { buildRequest, type Hop } from "#core/onion/buildRequest"
import { EphemeralKeys } from "#core/onion/EphemeralKeys"
import { minuteOf, ttlOf } from "#core/onion/minutes"
import { type Peeled, type Peeler, peel } from "#core/onion/peel"
import { ReplaySet } from "#core/onion/ReplaySet"
import { makeReplyBlock, openReply, sealReply } from "#core/onion/replyBlock"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as NodeRandom from "#layers/identity/NodeRandom"
import type { NodeId } from "#schemas/identity/NodeId"
import { bodyOf } from "#schemas/onion/OnionCell"
import type { MessageId } from "#schemas/router/InnerEnvelope"
import { emit, median } from "./lib.ts"

/** Milliseconds of a repetition, and how many of them. All figures take turns, so that they see the same machine. */
const MS = 400
const REPS = 7

/** More ephemeral keys than the suite remembers, as on a relay, where each is seen once. */
const CELLS = 2_048

const NOW = 1_800_000_000
const { suite } = NodeCrypto
const draw = NodeRandom.make().bytes

const keys = new EphemeralKeys(suite, draw, 4 * CELLS)
keys.fill(4 * CELLS)

const nodes = Array.from({ length: 4 }, (_, index) => {
  const key = suite.agreementKey(draw(32))
  const address = { transport: "tcp", ip: Uint8Array.of(10, index, 0, 1), port: 4_150 } as const
  const hop: Hop = { nodeId: draw(32) as NodeId, address, onion: key.publicKey }
  return { key, hop }
})
const path = nodes.map(({ hop }) => hop)
const payload = { messageId: draw(16) as MessageId, part: 0, parts: 1, piece: draw(1_024), blocks: [] }
const ttl = ttlOf(minuteOf(NOW) + 4)

/** Keys from a ring: they were made ahead, and agreeing with one a second time is no cheaper. */
const layers = Array.from({ length: CELLS }, () => keys.take(4))

const buildAt = (turn: number) =>
  Result.getOrThrow(buildRequest(suite, draw, { path, ephemerals: layers[turn % CELLS]!, cellClass: 0, ttl, payload }))
    .cell

const peelerOf = (index: number): Peeler => ({ keys: [nodes[index]!.key], replays: new ReplaySet(draw(16)) })

const expectTag = (peeled: Peeled, tag: Peeled["_tag"]) => {
  if (peeled._tag !== tag) throw new Error(`${peeled._tag} instead of ${tag}`)
  return peeled
}

const forwarded = (cell: Uint8Array, index: number): Uint8Array => {
  const peeled = expectTag(peel(suite, peelerOf(index), cell, NOW), "Forward")
  return peeled._tag === "Forward" ? peeled.cell : cell
}

const atRelay = Array.from({ length: CELLS }, (_, turn) => buildAt(turn))
const atRecipient = atRelay.map((cell) => [0, 1, 2].reduce(forwarded, cell))

/** Cells come in turn; whenever they begin again the replay set is a new one. */
const peeling = (cells: ReadonlyArray<Uint8Array>, index: number, tag: Peeled["_tag"]) => {
  let peeler = peelerOf(index)
  return (turn: number) => {
    if (turn % CELLS === 0) peeler = peelerOf(index)
    expectTag(peel(suite, peeler, cells[turn % CELLS]!, NOW), tag)
  }
}

const replayer = peelerOf(0)
for (const cell of atRelay) peel(suite, replayer, cell, NOW)

const block = (turn: number) =>
  Result.getOrThrow(makeReplyBlock(suite, draw, { path, ephemerals: layers[turn % CELLS]!, cellClass: 0, ttl }))
const own = block(0)
const answer = () => Result.getOrThrow(sealReply(suite, draw, own.block, payload, NOW)).cell
const arrived = [0, 1, 2].reduce(forwarded, answer())
const [one, other] = [suite.agreementKey(draw(32)), suite.agreementKey(draw(32))]

const figures: Record<string, (turn: number) => unknown> = {
  agreement: () => one.agree(other.publicKey),
  build: buildAt,
  "peel.relay": peeling(atRelay, 0, "Forward"),
  "peel.recipient": peeling(atRecipient, 3, "Deliver"),
  "peel.replayed": (turn) => expectTag(peel(suite, replayer, atRelay[turn % CELLS]!, NOW), "Drop"),
  "reply.prepare": block,
  "reply.seal": answer,
  "reply.open": () => Result.getOrThrow(openReply(suite, own.keys, bodyOf(arrived))),
  key: () => suite.agreementKey(draw(32))
}

/** Of one repetition: operations a second, and microseconds of processor time that one of them took. */
interface Measured {
  readonly rate: number
  readonly cpu: number
}

const measure = (operation: (turn: number) => unknown): Measured => {
  const [cpuBefore, start] = [process.cpuUsage(), performance.now()]
  let turn = 0
  while (performance.now() - start < MS) operation(turn++)
  const [cpu, seconds] = [process.cpuUsage(cpuBefore), (performance.now() - start) / 1e3]
  return { rate: turn / seconds, cpu: (cpu.user + cpu.system) / turn }
}

const measured = new Map<string, Array<Measured>>(Object.keys(figures).map((name) => [name, []]))
for (let rep = -1; rep < REPS; rep++) {
  for (const [name, operation] of Object.entries(figures)) {
    const it = measure(operation)
    if (rep >= 0) measured.get(name)!.push(it) // the first round warms up
  }
}

/** How many agreements an operation cannot do without. */
const AGREEMENTS: Record<string, number> = { build: 4, "peel.relay": 1, "peel.recipient": 1, "reply.prepare": 4 }
const agreement = measured.get("agreement")!
for (const [name, all] of measured) {
  const agreements = AGREEMENTS[name]
  const cpu_us_per_op = median(all.map((it) => it.cpu))
  const share = median(all.map((it, rep) => ((agreements ?? 0) * agreement[rep]!.cpu) / it.cpu))
  emit(
    `onion.${name}.rate`,
    "op/s",
    all.map((it) => it.rate),
    agreements === undefined ? { cpu_us_per_op } : { cpu_us_per_op, agreements, agreement_share: share }
  )
}
