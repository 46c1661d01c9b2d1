import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { CipherState } from "#core/session/Noise/CipherState"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import type { Cipher } from "#layers/session/Handshaker"
import { Link } from "#layers/session/Link"
import type { FrameHandler, Shared } from "#layers/session/Shared"
import type { NodeId } from "#schemas/identity/NodeId"
import { Flag, FrameType, flagsOf } from "#schemas/session/Frame"
import { LOCAL_RATES, REKEY_FRAMES, REKEY_OVERDUE } from "#services/session/Limits"
import type { CloseReason } from "#services/session/SessionManager"
import type { Connection } from "#services/transport/Transport"
import { hello } from "../../laws/hello.ts"
import { at } from "../../laws/sessionWorld.ts"

const HOUR = 3_600_000

const noise = (key: number): Cipher => new CipherState(NodeCrypto.suite, new Uint8Array(32).fill(key))

/** Where only the counting matters. */
const open = (): Cipher => ({ seal: (_, parts) => parts, open: (_, sealed) => sealed, rekey: () => {} })

/** Two links whose connections hand over at once, on a clock that the test sets. */
const makePair = (cipher: (key: number) => Cipher = noise, changes: Partial<Shared> = {}) => {
  const done: Array<string> = []
  const time = { now: 1_000_000 }
  const ends: Array<CloseReason> = []
  const wire: Array<Uint8Array> = []
  const handlers: Array<FrameHandler | undefined> = []
  const shared: Shared = {
    now: () => time.now,
    token: () => new Uint8Array(8),
    rates: LOCAL_RATES,
    rekeyAfter: HOUR,
    handlers,
    flushSoon: () => {},
    whenDrained: () => {},
    after: () => {},
    onDefect: (defect) => assert.fail(String(defect)),
    charge: () => {},
    onEnd: (_, reason) => ends.push(reason),
    ...changes
  }
  const link = (key: number, send: number, deliver: (frame: Uint8Array) => void) => {
    const connection: Connection = {
      address: at("/memory/1"),
      dialled: true,
      read: () => done.push("read"),
      rest: () => done.push("rest"),
      finish: () => done.push("finish"),
      drained: Effect.void,
      abort: () => {},
      write: (parts) => {
        const frame = Buffer.concat(parts)
        wire.push(frame.subarray(0, 8))
        deliver(frame)
        return true
      }
    }
    const nodeId = new Uint8Array(32).fill(key) as NodeId
    const contact = {
      nodeId,
      key: String(key),
      publicKey: nodeId as never,
      record: {} as never,
      bytes: nodeId,
      addresses: []
    }
    return new Link(shared, connection, {
      contact,
      boot: "",
      hello,
      send: cipher(send),
      receive: cipher(3 - send)
    })
  }
  const a: Link = link(1, 1, (frame) => b.onMessages([frame]))
  const b: Link = link(2, 2, (frame) => a.onMessages([frame]))
  const say = (from: Link) => {
    from.offer(FrameType.GOSSIP, Uint8Array.of(1))
    from.flush()
  }
  const rekeys = () => wire.flatMap((frame, i) => ((flagsOf(frame) & Flag.REKEY) !== 0 ? [i] : []))
  return { a, b, done, ends, handlers, rekeys, say, time, wire }
}

describe("Link", () => {
  it("exchanges its sending key at 2^16 frames, and the far end follows", () => {
    const { a, ends, handlers, rekeys, say, wire } = makePair()
    let got = 0
    handlers[FrameType.GOSSIP] = () => ++got > 0
    for (let i = 0; i < REKEY_FRAMES + 100; i++) say(a)
    assert.deepStrictEqual(rekeys(), [REKEY_FRAMES - 1])
    assert.strictEqual(got, wire.length)
    assert.deepStrictEqual(ends, [])
  })

  it("exchanges it after an hour, each direction by itself", () => {
    const { a, b, ends, rekeys, say, time } = makePair()
    say(a)
    time.now += HOUR
    say(a)
    say(a)
    say(b)
    say(b)
    assert.deepStrictEqual(rekeys(), [1, 3])
    assert.deepStrictEqual(ends, [])
  })

  it("gives up a peer that goes on for 2^17 frames under one key", () => {
    const { b, ends } = makePair(open)
    const frame = Uint8Array.of(1, FrameType.BATCH, 0, Flag.SEALED, 0, 0, 0, 0)
    let sent = 0
    while (ends.length === 0 && sent <= REKEY_OVERDUE) {
      sent++
      b.receive([frame])
    }
    assert.strictEqual(sent, REKEY_OVERDUE)
    assert.include(ends, "rekey overdue")
  })

  it("refuses a frame that comes twice", () => {
    const { b, ends } = makePair()
    const cipher = noise(1)
    const header = Uint8Array.of(1, FrameType.BATCH, 0, Flag.SEALED, 0, 0, 0, 0)
    const frame = Buffer.concat([header, ...cipher.seal(header, [])])
    b.receive([frame])
    assert.deepStrictEqual(ends, [])
    b.receive([frame])
    assert.deepStrictEqual(ends, ["bad mac"])
  })

  it("reads on only when what came has been paid for in time", () => {
    const later: Array<() => void> = []
    const rates = { ...LOCAL_RATES, bytes: { perSecond: 100, burst: 200 } }
    const after: Shared["after"] = (wait, then) => {
      assert.isAbove(wait, 0)
      later.push(then)
    }
    const { a, b, done } = makePair(noise, { rates, after })
    b.begin([])
    assert.deepStrictEqual(done, ["read"])
    const send = (size: number) => {
      a.offer(FrameType.GOSSIP, new Uint8Array(size))
      a.flush()
    }
    send(10)
    assert.deepStrictEqual(done, ["read"])
    send(1_000)
    assert.deepStrictEqual(done, ["read", "rest"])
    later[0]?.()
    assert.deepStrictEqual(done, ["read", "rest", "read"])
  })

  it("ends when a handler of its frames fails, and tells of the defect", () => {
    const defects: Array<unknown> = []
    const { done, ends, handlers, say, a } = makePair(noise, { onDefect: (defect) => defects.push(defect) })
    handlers[FrameType.GOSSIP] = () => {
      throw new Error("a mistake")
    }
    say(a)
    assert.deepStrictEqual([defects.length, ends, done], [1, ["closed here"], ["finish"]])
  })
})
