import { assert, describe, it } from "@effect/vitest"
import { MAPPING_LASTS, MOST_MAPPINGS, Nat, type NatKind } from "#simulator/network/Nat"

/** RFC 4787, sections 4.1 and 5: whether a second destination is met from the same port, and who may answer. */
const table: ReadonlyArray<{
  kind: NatKind
  samePort: boolean
  lets: { stranger: boolean; otherPort: boolean; same: boolean }
}> = [
  { kind: "full-cone", samePort: true, lets: { stranger: true, otherPort: true, same: true } },
  { kind: "address-restricted", samePort: true, lets: { stranger: false, otherPort: true, same: true } },
  { kind: "port-restricted", samePort: true, lets: { stranger: false, otherPort: false, same: true } },
  { kind: "symmetric", samePort: false, lets: { stranger: false, otherPort: false, same: true } }
]

for (const { kind, samePort, lets } of table) {
  describe(`a ${kind} router`, () => {
    it(`meets a second destination from ${samePort ? "the same" : "another"} port`, () => {
      const nat = new Nat(kind)
      const first = nat.outbound(4_001, "1.1.1.1", 10, 0)
      assert.strictEqual(nat.outbound(4_001, "1.1.1.1", 10, 1), first)
      assert.strictEqual(nat.outbound(4_001, "1.1.1.1", 11, 2) === first, samePort)
      assert.strictEqual(nat.outbound(4_001, "2.2.2.2", 10, 3) === first, samePort)
    })

    it("lets in only whom its filtering lets in", () => {
      const nat = new Nat(kind)
      const port = nat.outbound(4_001, "1.1.1.1", 10, 0)
      const inside = (yes: boolean) => (yes ? 4_001 : undefined)
      assert.strictEqual(nat.inbound(port, "9.9.9.9", 10, 1), inside(lets.stranger))
      assert.strictEqual(nat.inbound(port, "1.1.1.1", 11, 1), inside(lets.otherPort))
      assert.strictEqual(nat.inbound(port, "1.1.1.1", 10, 1), inside(lets.same))
    })

    it("lets nothing in through a port that nobody opened", () => {
      const nat = new Nat(kind)
      const port = nat.outbound(4_001, "1.1.1.1", 10, 0)
      assert.isUndefined(nat.inbound(port + 1, "1.1.1.1", 10, 1))
    })

    it("forgets a mapping 120 s after it was last used from inside, however often it was used from outside", () => {
      const nat = new Nat(kind)
      nat.outbound(4_001, "1.1.1.1", 10, 0)
      const port = nat.outbound(4_001, "1.1.1.1", 10, 1_000)
      assert.strictEqual(nat.inbound(port, "1.1.1.1", 10, 1_000 + MAPPING_LASTS), 4_001)
      assert.isUndefined(nat.inbound(port, "1.1.1.1", 10, 1_001 + MAPPING_LASTS))
    })

    it("holds no more than its limit, and drops what was unused for longest", () => {
      const nat = new Nat(kind)
      const ports = Array.from({ length: MOST_MAPPINGS + 1 }, (_, n) => nat.outbound(n, "1.1.1.1", 10, n))
      assert.strictEqual(nat.size, MOST_MAPPINGS)
      assert.isUndefined(nat.inbound(ports[0]!, "1.1.1.1", 10, MOST_MAPPINGS))
      assert.strictEqual(nat.inbound(ports[1]!, "1.1.1.1", 10, MOST_MAPPINGS), 1)
    })

    it("knows no more destinations than its limit", () => {
      const nat = new Nat(kind)
      const ports = Array.from({ length: MOST_MAPPINGS + 1 }, (_, n) => nat.outbound(4_001, `host ${n}`, 10, n))
      const lastPort = ports[MOST_MAPPINGS]!
      assert.strictEqual(nat.inbound(lastPort, `host ${MOST_MAPPINGS}`, 10, MOST_MAPPINGS), 4_001)
      const first = nat.inbound(ports[0]!, "host 0", 10, MOST_MAPPINGS)
      assert.strictEqual(first, kind === "full-cone" ? 4_001 : undefined)
    })
  })
}

describe("filtering", () => {
  it("forgets one destination while the mapping lives on for another", () => {
    const nat = new Nat("port-restricted")
    const port = nat.outbound(4_001, "1.1.1.1", 10, 0)
    nat.outbound(4_001, "2.2.2.2", 10, 100_000)
    assert.isUndefined(nat.inbound(port, "1.1.1.1", 10, 150_000))
    assert.strictEqual(nat.inbound(port, "2.2.2.2", 10, 150_000), 4_001)
  })

  it("starts anew with a mapping that had died", () => {
    const nat = new Nat("address-restricted")
    nat.outbound(4_001, "1.1.1.1", 10, 0)
    const port = nat.outbound(4_001, "2.2.2.2", 10, 200_000)
    assert.isUndefined(nat.inbound(port, "1.1.1.1", 10, 200_001))
  })
})

describe("a symmetric router", () => {
  it("never gives the port of a mapping that lives to another, however many come and go", () => {
    const nat = new Nat("symmetric")
    const port = nat.outbound(4_001, "kept", 10, 0)
    for (let n = 1; n <= 70_000; n++) {
      assert.notStrictEqual(nat.outbound(4_001, `host ${n}`, 10, n), port)
      if (n % 1_000 === 0) assert.strictEqual(nat.outbound(4_001, "kept", 10, n), port)
    }
    assert.strictEqual(nat.inbound(port, "kept", 10, 70_000), 4_001)
  })

  it("gives another port to a mapping that had died", () => {
    const nat = new Nat("symmetric")
    const port = nat.outbound(4_001, "1.1.1.1", 10, 0)
    assert.notStrictEqual(nat.outbound(4_001, "1.1.1.1", 10, 1 + MAPPING_LASTS), port)
    assert.isUndefined(nat.inbound(port, "1.1.1.1", 10, 1 + MAPPING_LASTS))
  })
})

describe("without a router", () => {
  it("everything passes as it is", () => {
    const nat = new Nat("none")
    assert.strictEqual(nat.outbound(4_001, "1.1.1.1", 10, 0), 4_001)
    assert.strictEqual(nat.inbound(4_001, "9.9.9.9", 1, 500_000), 4_001)
  })
})
