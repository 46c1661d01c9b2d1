import { assert, describe, it } from "@effect/vitest"
import { Proofs } from "#core/dht/Proofs"
import { RecordKind } from "#schemas/dht/Record"

const proof = (seq: number, kind: number = RecordKind.Mutable) => {
  const records = [Uint8Array.of(1, seq), Uint8Array.of(2, seq)] as const
  return { kind, key: new Uint8Array(32), member: new Uint8Array(0), seq, records }
}

describe("Proofs", () => {
  it("keeps one pair of each number, copied, and lets the oldest go", () => {
    const proofs = new Proofs(3)
    const first = proof(1)
    proofs.add(first)
    proofs.add({ ...first, records: [Uint8Array.of(9), Uint8Array.of(8)] })
    first.records[0][0] = 77
    assert.deepStrictEqual(proofs.list(), [proof(1)])
    for (const seq of [2, 3, 4]) proofs.add(proof(seq))
    assert.deepStrictEqual(
      proofs.list().map(({ seq }) => seq),
      [2, 3, 4]
    )
  })

  it("holds nobody to what he said twice in one second where seconds are the numbers", () => {
    const proofs = new Proofs(9)
    for (const kind of [RecordKind.Provider, RecordKind.Announcement, RecordKind.Snapshot]) proofs.add(proof(1, kind))
    assert.strictEqual(proofs.size, 0)
    for (const kind of [RecordKind.Name, RecordKind.Peer, RecordKind.KeyPackages]) proofs.add(proof(1, kind))
    assert.strictEqual(proofs.size, 3)
  })
})
