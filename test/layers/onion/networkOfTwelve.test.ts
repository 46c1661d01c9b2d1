/**
 * Who learns what of one question and its answer, read from the logs of all nodes and of the wire. Every claim is also
 * made of somebody of whom it is false, since a log that shows nothing proves nothing.
 */
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Context, Effect, Queue, Result } from "effect"
import { CELL_BYTES, SLOT_BYTES, SLOTS } from "#schemas/onion/OnionCell"
import { HEADER_BYTES, type OnionHeaderFields, readHeader } from "#schemas/onion/OnionHeader"
import { answerBody, requestBody } from "#schemas/router/Question"
import { HEADER_BYTES as FRAME_HEADER_BYTES, MAC_BYTES } from "#schemas/session/Frame"
import { RouterHandle } from "#services/router/RouterHandle"
import { runVirtually } from "../../simulator/inVirtualTime.ts"
import { type Hop, type LoggedNode, networkOfTwelve } from "./networkOfTwelve.ts"

const [SENDER, RECIPIENT, HOPS] = [3, 8, 4]
/** Bytes in a row that two links must not have in common. */
const RUN = 32

/** 400 bytes that nobody draws by chance. */
const secret = (first: number): Uint8Array =>
  Uint8Array.from({ length: 400 }, (_, at) => (first + at * 89 + ((at * at) >> 3)) & 255)
const [QUESTION, ANSWER] = [secret(1), secret(101)]

/** One question and its answer, at a moment at which nothing else happens. */
const tell = runVirtually(({ time }) =>
  Effect.gen(function* () {
    const network = yield* networkOfTwelve(time)
    const [sender, recipient] = [network.nodes[SENDER]!, network.nodes[RECIPIENT]!]
    const arriving = yield* Context.get(recipient.services, RouterHandle).incoming("SNAPSHOT")
    yield* Queue.take(arriving).pipe(
      Effect.flatMap(({ reply }) => reply({ type: "SNAPSHOT", body: answerBody(ANSWER) })),
      Effect.orDie,
      Effect.forever,
      Effect.forkScoped
    )
    const ask = Context.get(sender.services, RouterHandle).ask(
      { nodeId: recipient.nodeId, addresses: [] },
      { type: "SNAPSHOT", body: requestBody(QUESTION) },
      { privacy: "anonymous" }
    )
    // First relays are found and sessions are made.
    yield* ask
    yield* Effect.sleep("100 seconds")
    const answer = yield* network.logged(ask)
    return { ...network, sender, recipient, answer, there: network.hops.slice(0, HOPS), back: network.hops.slice(HOPS) }
  })
)

type Story = Effect.Success<typeof tell>
let story: Story

beforeAll(async () => {
  story = await Effect.runPromise(tell)
})

const seenBy = ({ log }: LoggedNode): ReadonlyArray<Uint8Array> => [...log.opened, ...log.masked]

const includes = (all: ReadonlyArray<Uint8Array>, part: Uint8Array): boolean =>
  all.some((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(Buffer.from(part)))

/** Whether this node saw any name of that one, or where it is. */
const met = (node: LoggedNode, other: LoggedNode): boolean => {
  const { nodeId, publicKey, record } = other.contact()
  const names = [nodeId, publicKey, record.noise, record.onion, other.ip, Buffer.from(`${other.ip.join(".")}/`)]
  return names.some((name) => includes(seenBy(node), name))
}

const sees = (node: LoggedNode, what: Uint8Array): boolean =>
  // Any part of it would do.
  Array.from({ length: what.length / 16 }, (_, n) => what.subarray(n * 16, n * 16 + 16)).some((part) =>
    includes(seenBy(node), part)
  )

const nodeAt = (number: number | undefined): LoggedNode => story.nodes[number ?? -1]!

/** In the order of the way. */
const relaysOf = (way: ReadonlyArray<Hop>): ReadonlyArray<LoggedNode> => way.slice(0, -1).map(({ to }) => nodeAt(to))

/** Those whose neighbour the sender is: the first relay there, and the last one back. */
const guards = (): ReadonlyArray<LoggedNode> => [relaysOf(story.there)[0]!, relaysOf(story.back).at(-1)!]

/** The nodes of which that is true, by number. */
const those = (holds: (node: LoggedNode) => boolean): ReadonlyArray<number> =>
  story.nodes.filter(holds).map(({ number }) => number)

const sorted = (nodes: ReadonlyArray<LoggedNode>): ReadonlyArray<number> =>
  [...new Set(nodes.map(({ number }) => number))].sort((a, b) => a - b)

/** What this node's header said of the cell that it took on that way. */
const headerOf = (node: LoggedNode, isReply: boolean): OnionHeaderFields & { readonly bytes: Uint8Array } => {
  const all = node.log.opened.flatMap((bytes) => {
    const header = readHeader(bytes)
    return Result.isSuccess(header) && header.success.reply === isReply ? [{ ...header.success, bytes }] : []
  })
  assert.strictEqual(all.length, 1)
  return all[0]!
}

describe("by the logs of twelve nodes", () => {
  it("a question goes over three relays, its answer over three, and every cell is seen where it arrives", () => {
    assert.isTrue(includes([story.answer.body], ANSWER))
    assert.deepStrictEqual([story.there.length, story.back.length], [HOPS, HOPS])
    assert.deepStrictEqual([story.there[0]?.from, story.there.at(-1)?.to], [SENDER, RECIPIENT])
    assert.deepStrictEqual([story.back[0]?.from, story.back.at(-1)?.to], [RECIPIENT, SENDER])
    for (const way of [story.there, story.back]) {
      for (const [place, { from }] of way.slice(1).entries()) assert.strictEqual(from, way[place]?.to)
      assert.strictEqual(sorted(relaysOf(way)).length, 3)
    }
    for (const { cell, to } of story.hops) assert.isTrue(includes(seenBy(nodeAt(to)), cell))
    const taking = sorted(story.hops.map(({ to }) => nodeAt(to)))
    assert.deepStrictEqual(
      those((node) => seenBy(node).length > 0),
      taking
    )
  })

  it("no relay but the guard has to do with the sender, or reads its name or address", () => {
    const neighbours = story.hops.flatMap(({ from, to }) => (from === SENDER ? [to] : to === SENDER ? [from] : []))
    assert.deepStrictEqual(sorted(neighbours.map(nodeAt)), sorted(guards()))
    const others = those((node) => node !== story.sender && met(node, story.sender))
    // The last header of the way back names the one to whom it leads.
    assert.deepStrictEqual(others, sorted([guards()[1]!]))
    assert.include(
      those((node) => met(node, story.recipient)),
      relaysOf(story.there)[2]!.number
    )
  })

  it("nobody but the two of them reads any part of question or answer", () => {
    assert.deepStrictEqual(
      those((node) => sees(node, QUESTION)),
      [RECIPIENT]
    )
    assert.deepStrictEqual(
      those((node) => sees(node, ANSWER)),
      [SENDER]
    )
  })

  it("the recipient learns of the first relay of its answer, and of nobody else", () => {
    const learned = story.nodes.filter((other) => other !== story.recipient && met(story.recipient, other))
    assert.deepStrictEqual(sorted(learned), sorted([relaysOf(story.back)[0]!]))
  })

  it("each relay learns of the next hop alone", () => {
    for (const way of [story.there, story.back]) {
      for (const { from, to } of way.slice(1)) {
        const header = headerOf(nodeAt(from), way === story.back)
        assert.deepStrictEqual([...header.next!.nodeId], [...nodeAt(to).nodeId])
        assert.deepStrictEqual([...header.next!.address!.ip], [...nodeAt(to).ip])
      }
    }
  })

  it("no relay knows its place, nor that it is the last: all headers of a way have one form", () => {
    for (const way of [story.there, story.back]) {
      const forms = relaysOf(way).map((node) => {
        const { bodyTag, bytes, next, ...rest } = headerOf(node, way === story.back)
        assert.strictEqual(bytes.length, HEADER_BYTES)
        const { port, transport } = next!.address!
        // A tag that is zero says that there is none, as in all answers.
        return { ...rest, port, transport, tagged: bodyTag.some((byte) => byte !== 0) }
      })
      assert.deepStrictEqual(new Set(forms.map((form) => JSON.stringify(form))).size, 1)
      assert.deepInclude(forms[2]!, { deliverLocal: false, delay: 0, reply: way === story.back })
    }
    assert.isTrue(headerOf(story.recipient, false).deliverLocal)
  })

  it("and every slot of every stack looks as random as the others, used or not", () => {
    for (const { cell } of story.hops) {
      for (let slot = 0; slot < SLOTS; slot++) {
        const counts = new Map<number, number>()
        for (const byte of cell.subarray(slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES)) {
          counts.set(byte, (counts.get(byte) ?? 0) + 1)
        }
        // Of 140 random bytes 108 are different, give or take five, and hardly one comes seven times.
        assert.isAbove(counts.size, 80)
        assert.isBelow(Math.max(...counts.values()), 8)
      }
    }
  })

  it(`no two links have ${RUN} bytes in common, neither in plain nor on the wire, nor differ in size`, () => {
    const plain = story.hops.map(({ cell }) => cell)
    assert.deepStrictEqual(new Set(plain.map(({ length }) => length)), new Set([CELL_BYTES[0]]))
    // A row of one frame, sealed.
    const size = FRAME_HEADER_BYTES + (FRAME_HEADER_BYTES + CELL_BYTES[0]) + MAC_BYTES
    assert.deepStrictEqual(
      story.wire.map(({ bytes, from, to }) => [from, to, bytes.length]),
      story.hops.map(({ from, to }) => [from, to, size])
    )
    const where = new Map<string, number>()
    for (const [link, bytes] of [...plain, ...story.wire.map((it) => it.bytes)].entries()) {
      const text = Buffer.from(bytes).toString("latin1")
      for (let at = 0; at + RUN <= text.length; at++) {
        const run = text.slice(at, at + RUN)
        const first = where.get(run)
        if (first === undefined) where.set(run, link)
        else assert.strictEqual(first, link, `bytes ${at} to ${at + RUN}`)
      }
    }
  })
})
