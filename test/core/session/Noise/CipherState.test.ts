import { assert, describe, it } from "@effect/vitest"
import { CipherState } from "#core/session/Noise/CipherState"
import { suite } from "#layers/identity/NodeCrypto"

const key = new Uint8Array(32).fill(1)
const none = new Uint8Array()
const text = (value: string) => new TextEncoder().encode(value)
const pair = () => [new CipherState(suite, key), new CipherState(suite, key)] as const
const sealed = (from: CipherState, value: string) => new Uint8Array(Buffer.concat(from.seal(none, [text(value)])))
const opened = (to: CipherState, bytes: Uint8Array) => {
  const plain = to.open(none, bytes)
  return plain && new TextDecoder().decode(plain)
}

describe("CipherState", () => {
  it("messages open in order and once only; a refusal does not move the counter", () => {
    const [send, receive] = pair()
    const [a, b] = [sealed(send, "a"), sealed(send, "b")]
    assert.isUndefined(opened(receive, b))
    assert.strictEqual(receive.counter, 0)
    assert.strictEqual(opened(receive, a), "a")
    assert.isUndefined(opened(receive, a))
    assert.strictEqual(opened(receive, b), "b")
    assert.deepEqual([send.counter, receive.counter], [2, 2])
  })

  it("the nonce is four zero bytes and the counter, little-endian", () => {
    const [send] = pair()
    for (let count = 0; count < 259; count++) sealed(send, "")
    const nonce = Uint8Array.of(0, 0, 0, 0, 3, 1, 0, 0, 0, 0, 0, 0)
    assert.deepEqual(sealed(send, "x"), new Uint8Array(Buffer.concat(suite.aead(key).seal(nonce, none, [text("x")]))))
  })

  it("associated data and parts are bound: the parts are joined, other data is refused", () => {
    const [send, receive] = pair()
    const bytes = Buffer.concat(send.seal(text("head"), [text("one "), text("two")]))
    assert.isUndefined(receive.open(text("HEAD"), bytes))
    assert.strictEqual(new TextDecoder().decode(receive.open(text("head"), bytes)), "one two")
  })

  it("after rekey on both sides messages open, the counter has gone on, and the old key opens nothing", () => {
    const [send, receive] = pair()
    const [, laggard] = pair()
    const first = sealed(send, "a")
    opened(receive, first)
    opened(laggard, first)
    send.rekey()
    receive.rekey()
    const second = sealed(send, "b")
    assert.isUndefined(opened(laggard, second))
    assert.strictEqual(opened(receive, second), "b")
    assert.strictEqual(receive.counter, 2)
  })

  it("rekey is ENCRYPT(k, 2^64 − 1, no data, 32 zero bytes), its first 32 bytes", () => {
    const [send] = pair()
    send.rekey()
    const nonce = Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255)
    const next = suite.chacha20(key, nonce, 1, new Uint8Array(32))
    const expected = suite.aead(next).seal(new Uint8Array(12), none, [text("x")])
    assert.deepEqual(sealed(send, "x"), new Uint8Array(Buffer.concat(expected)))
  })
})
