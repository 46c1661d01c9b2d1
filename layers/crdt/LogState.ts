/**
 * One open log in memory: the graph, what waits, and what is not on the disk yet. Synchronous throughout, so that an own
 * edit finds document and graph as they belong together.
 *
 * What has been carried out goes to the disk in the order in which it was, own operations and those of others in one
 * row: whatever a crash leaves, no operation is there without what it builds upon.
 */
import { Result } from "effect"
import type { SigningKey, Suite } from "#core/identity/Suite"
import { verifyRecord } from "#core/identity/signature"
import { batchRefusal, lastIssued, membershipRefusal, NO_EPOCH } from "#core/oplog/channel"
import { Intake } from "#core/oplog/Intake"
import { nodeOf, type OpNode, shapeRefusal } from "#core/oplog/OpNode"
import { signOp } from "#core/oplog/signOp"
import { bytesOfKey, equalBytes, keyOf } from "#schemas/bytes/bytes"
import type { Genesis } from "#schemas/dht/Genesis"
import * as Op from "#schemas/dht/Op"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { DOCUMENT_AUTHORS, EARLY } from "#services/crdt/Limits"
import type { Batch, Delivered, OpRefusal, RefusedOp, Replica } from "#services/crdt/OpLog"
import type { StoredOp } from "#services/storage/OpStore"

/** Beyond this, a grant's time is no mistake of a clock: as for all records (WIRE §6). */
const CLOCK_SKEW = 600

export interface LoggedOp extends OpNode {
  readonly operations: Uint8Array
}

export interface LogSetup {
  readonly suite: Suite
  readonly networkId: Uint8Array
  readonly signing: SigningKey
  readonly grants: ReadonlyArray<Uint8Array>
  readonly channel: Uint8Array
  readonly replica: Replica
}

export class LogState {
  readonly setup: LogSetup
  readonly authorKey: string
  readonly intake = new Intake<LoggedOp>(EARLY)
  genesis: Genesis | undefined
  /** Carried out, and not durable yet. */
  unsaved: Array<LoggedOp> = []
  readonly listeners = new Set<(delivered: ReadonlyArray<Delivered>) => void>()

  constructor(setup: LogSetup) {
    this.setup = setup
    this.authorKey = keyOf(setup.signing.publicKey)
  }

  /** The record as an operation of this log, or why it is none, whatever else is known; its signature apart. */
  read(bytes: Uint8Array): Result.Result<{ readonly op: LoggedOp; readonly fields: Op.OpFields }, RefusedOp> {
    const read = Op.read(bytes)
    if (Result.isFailure(read)) return refuse("malformed", read.failure)
    const fields = read.success
    if (!equalBytes(fields.channel, this.setup.channel)) return refuse("another channel", "of another channel")
    const refusal = shapeRefusal(fields) ?? batchRefusal(fields.ciphertext)
    if (refusal !== undefined) return refuse("malformed", refusal)
    return Result.succeed({
      op: { ...nodeOf(this.setup.suite, fields, bytes), operations: fields.ciphertext },
      fields
    })
  }

  /** Why its author may not have made it, if so. `now` in unix seconds. */
  authorityRefusal(fields: Op.OpFields, bytes: Uint8Array, now: number): RefusedOp | undefined {
    const { networkId, suite } = this.setup
    const at = lastIssued(fields.grants)
    if (at > now + CLOCK_SKEW) return { refusal: "not granted", word: "grants of the future" }
    const refusal = membershipRefusal(suite, networkId, fields, at)
    if (refusal !== undefined) return { refusal: "not granted", word: refusal }
    if (!equalBytes(fields.epoch, NO_EPOCH)) return { refusal: "not granted", word: "of a group" }
    if (!verifyRecord(suite, "op", networkId, fields.author, bytes, Op.SIGNATURE_INDEX)) {
      return { refusal: "forged", word: "not signed by its author" }
    }
    const { authors } = this.intake.graph
    if (authors.size >= DOCUMENT_AUTHORS && !authors.has(keyOf(fields.author))) {
      return { refusal: "too many authors", word: `more than ${DOCUMENT_AUTHORS}` }
    }
    return undefined
  }

  /** Carries out whatever has become the next. Answers how many, and those that cannot be. */
  carryOut(now: number, refused: Array<RefusedOp>): number {
    let taken = 0
    for (let op = this.intake.take(); op !== undefined; op = this.intake.take()) {
      const applied = this.setup.replica.apply(batchOf(op))
      if (Result.isSuccess(applied)) {
        this.intake.accept(op)
        this.unsaved.push(op)
        taken++
      } else if (applied.failure.reason === "missing") this.intake.putOff(op, now)
      else {
        this.intake.halt(op)
        refused.push({ refusal: "cannot be carried out", word: applied.failure.word })
      }
    }
    return taken
  }

  append({ lamport, operations, seq }: Omit<Batch, "author">): void {
    const { channel, grants, networkId, signing, suite } = this.setup
    const { genesis } = this
    if (genesis === undefined) throw new Error("nothing can be written before the genesis is known")
    const next = this.intake.graph.nextOf(this.authorKey)
    if (seq !== next.seq || lamport !== next.lamport) throw new Error("the document is not where its log is")
    const outer = { channel, epoch: NO_EPOCH, seq, lamport, parents: next.parents, genesis, grants }
    const bytes = signOp({ networkId, signing }, { ...outer, ciphertext: operations })
    const id = suite.sha256(bytes)
    const op: LoggedOp = {
      id,
      key: keyOf(id),
      author: signing.publicKey as PublicKey,
      authorKey: this.authorKey,
      seq,
      lamport,
      parents: next.parents.map(keyOf),
      bytes,
      operations
    }
    this.intake.accept(op)
    this.unsaved.push(op)
  }

  /** These are durable now. */
  saved(ops: ReadonlyArray<LoggedOp>): void {
    if (this.listeners.size === 0) return
    const delivered = ops.map((op) => ({ ...op, record: op.bytes, isLocal: op.authorKey === this.authorKey }))
    for (const listener of this.listeners) listener(delivered)
  }
}

export const batchOf = ({ author, lamport, operations, seq }: LoggedOp): Batch => ({ author, seq, lamport, operations })

export const storedOf = ({ author, bytes, id, lamport, parents, seq }: LoggedOp): StoredOp => ({
  author,
  seq,
  lamport,
  id,
  parents: parents.map(bytesOfKey),
  bytes
})

const refuse = (refusal: OpRefusal, word: string) => Result.fail<RefusedOp>({ refusal, word })
