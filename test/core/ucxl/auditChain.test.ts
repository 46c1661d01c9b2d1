import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { nobleSuite } from "#core/identity/nobleSuite"
import { readArchive, writeArchive } from "#core/ucxl/auditArchive"
import {
  type AuditFields,
  type AuditLine,
  ChainCheck,
  emptyHead,
  nextLine,
  readHead,
  signHead,
  trailIdOf
} from "#core/ucxl/auditChain"
import { hexOf } from "#schemas/bytes/bytes"

const suite = nobleSuite
const signer = { networkId: new Uint8Array(32).fill(7), signing: suite.signingKey(new Uint8Array(32).fill(1)) }

const fields: AuditFields = {
  number: 1,
  time: 1_700_000_000_000,
  node: "did:key:z6MkExample",
  operation: "store",
  address: "ucxl://ada/developer/allium/log/decision",
  role: "developer",
  contentType: "text/markdown",
  size: 12,
  outcome: "done",
  reason: ""
}

const log = (length: number) => {
  const lines: Array<AuditLine> = []
  let head = emptyHead(1)
  for (let size = 0; size < length; size++) {
    const next = nextLine(suite, head, { node: "n", time: size }, { ...fields, size })
    head = next.head
    lines.push({ number: next.fields.number, fields: next.fields, trailId: head.lastId })
  }
  return { head, lines }
}

const faultOf = (head: ReturnType<typeof log>["head"], lines: ReadonlyArray<AuditLine>) => {
  const check = new ChainCheck(suite, head)
  for (const line of lines) {
    const fault = check.take(line)
    if (fault !== undefined) return fault
  }
  return check.end()
}

describe("the chain of audit lines", () => {
  it("has trail ids that do not change from one version of this program to the next", () => {
    assert.strictEqual(hexOf(trailIdOf(suite, new Uint8Array(32), fields)), VECTOR)
  })

  it("holds from its first line to the one that is signed as the last, and with any line away it does not", () => {
    const { head, lines } = log(9)
    assert.isUndefined(faultOf(head, lines))
    for (const { number } of lines) {
      const rest = lines.filter((line) => line.number !== number)
      assert.deepStrictEqual(faultOf(head, rest), { number, reason: "is missing" })
    }
  })

  it("names the line behind one that was written anew with an id of its own", () => {
    const { head, lines } = log(5)
    const forged = { ...(lines[2]?.fields as AuditFields), reason: "forged" }
    const trailId = trailIdOf(suite, lines[1]?.trailId as Uint8Array, forged)
    const changed = lines.map((line) => (line.number === 3 ? { number: 3, fields: forged, trailId } : line))
    assert.strictEqual(faultOf(head, changed)?.number, 4)
    const last = { ...(lines[4]?.fields as AuditFields), reason: "forged" }
    const end = { number: 5, fields: last, trailId: trailIdOf(suite, lines[3]?.trailId as Uint8Array, last) }
    assert.deepStrictEqual(faultOf(head, [...lines.slice(0, 4), end]), {
      number: 5,
      reason: "is not the one that is signed as the last"
    })
  })

  it("takes a head that this node signed in this network, and no other", () => {
    const { head } = log(3)
    const record = signHead(signer, head)
    assert.deepStrictEqual(Result.getOrUndefined(readHead(suite, signer, record)), head)
    const elsewhere = { ...signer, networkId: new Uint8Array(32) }
    const another = { ...signer, signing: suite.signingKey(new Uint8Array(32).fill(2)) }
    assert.isTrue(Result.isFailure(readHead(suite, elsewhere, record)))
    assert.isTrue(Result.isFailure(readHead(suite, another, record)))
    for (let at = 0; at < record.length; at++) {
      const changed = record.slice()
      changed[at]! ^= 1
      assert.isTrue(Result.isFailure(readHead(suite, signer, changed)), `byte ${at}`)
      assert.isTrue(Result.isFailure(readHead(suite, signer, record.subarray(0, at))), `${at} bytes`)
    }
  })

  it("comes back from an archive as it was, and with any bit changed is broken at that line or the next", () => {
    const { head, lines } = log(4)
    const bytes = writeArchive(lines)
    assert.deepStrictEqual(readArchive(bytes, 1), lines)
    for (let at = 0; at < bytes.length; at++) {
      const line = 1 + Math.floor(at / (bytes.length / 4))
      for (let bit = 1; bit < 256; bit *= 2) {
        const changed = bytes.slice()
        changed[at]! ^= bit
        assert.include([line, line + 1], faultOf(head, readArchive(changed, 1))?.number, `byte ${at}, bit ${bit}`)
      }
      assert.isDefined(faultOf(head, readArchive(bytes.subarray(0, at), 1)))
    }
  })
})

/** Of `fields` behind 32 zero bytes; made by another program. */
const VECTOR = "6e819d198fd10d61a48b6a4b57d9d3f55b1ab7a53618c9b033d2847f46079095"
