/**
 * A shared document: named maps, lists, texts and registers, and what stands in them. Several replicas edit it at once;
 * those that have applied the same batches hold the same, in whatever order the batches came.
 *
 * A transaction makes one batch (more only where it is larger than a record), to be signed and spread by others; theirs
 * come in by `apply`, an author's in their order. Nothing here does I/O or knows the time.
 */
import { Result } from "effect"
import { utf8 } from "#schemas/bytes/bytes"
import { BATCH_LIMIT, type OpBatchFields } from "#schemas/crdt/OpBatch"
import { NAME_LIMIT, OpReader } from "#schemas/crdt/Operation"
import { ContainerKind } from "#schemas/crdt/Value"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { AUTHORS_LIMIT, Author } from "./Authors.ts"
import { applyOperation } from "./applyOperation.ts"
import type { Container } from "./Container.ts"
import { Checker, type Refusal } from "./checkBatch.ts"
import { Handles, type SharedList, type SharedMap, type SharedRegister, type SharedText } from "./Handles.ts"
import { Observers } from "./Observers.ts"
import { readSnapshot } from "./readSnapshot.ts"
import { State } from "./State.ts"
import { Undo } from "./Undo.ts"
import { Writer } from "./Writer.ts"
import { writeSnapshot } from "./writeSnapshot.ts"

/** `already`: an earlier batch of that author had its place, so nothing was done. */
export type Applied = "applied" | "already"

const APPLIED = Result.succeed<Applied>("applied")
const ALREADY = Result.succeed<Applied>("already")

/** The last batch of an author that has been applied. */
export interface Head {
  readonly author: PublicKey
  readonly seq: number
  readonly lamport: number
}

export class Document {
  readonly #state: State
  readonly #op = new OpReader()
  readonly #checker: Checker
  readonly #writer: Writer
  readonly #observers: Observers
  readonly #handles: Handles
  readonly #listeners = new Set<(batch: OpBatchFields) => void>()
  #collected: Array<OpBatchFields> | undefined
  /** For the listeners, once the transaction is over. */
  #finished: Array<OpBatchFields> = []

  /** `author` signs the own batches; nobody else may use its sequence. */
  constructor(author: PublicKey, state = new State()) {
    if (kept === undefined) keepShapes()
    this.#state = state
    const me = state.authors.find(author) ?? state.authors.add(author)
    this.#writer = new Writer(state, me, (bytes, length) => this.#finish(bytes, length))
    this.#checker = new Checker(state, this.#op, me)
    this.#observers = new Observers(state)
    this.#handles = new Handles(this.#writer, this.#observers, () => this.#tell())
  }

  /** The document of a snapshot, to be edited by `author`; or the word of refusal. */
  static load(snapshot: Uint8Array, author: PublicKey): Result.Result<Document, string> {
    return Result.map(readSnapshot(snapshot), (state) => new Document(author, state))
  }

  map(name: string): SharedMap {
    return this.#handles.of(this.#root(ContainerKind.Map, name)) as SharedMap
  }

  list(name: string): SharedList {
    return this.#handles.of(this.#root(ContainerKind.List, name)) as SharedList
  }

  text(name: string): SharedText {
    return this.#handles.of(this.#root(ContainerKind.Text, name)) as SharedText
  }

  register(name: string): SharedRegister {
    return this.#handles.of(this.#root(ContainerKind.Register, name)) as SharedRegister
  }

  /**
   * Carries out `edit` as one transaction and answers its batches: none if nothing changed, one as a rule. Should `edit`
   * throw, what it did until then stays done.
   */
  transact(edit: () => void): ReadonlyArray<OpBatchFields> {
    const outer = this.#collected
    const batches = (this.#collected = outer ?? [])
    this.#writer.begin()
    try {
      edit()
    } finally {
      if (this.#writer.end()) {
        this.#collected = undefined
        this.#tell()
      }
    }
    return batches
  }

  /** Hears of every own batch, whether a transaction asked for it or a single edit. Answers how to stop. */
  onBatch(listener: (batch: OpBatchFields) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Remembers the own transactions from now on; there is one memory of a document at a time. */
  undo(limit?: number): Undo {
    return new Undo(this.#writer, () => this.#handles.end(), limit)
  }

  /** A batch from outside. A refused one has changed nothing. */
  apply(batch: OpBatchFields): Result.Result<Applied, Refusal> {
    if (this.#writer.isOpen) throw new Error("a batch cannot be applied within a transaction")
    const { authors } = this.#state
    const known = authors.find(batch.author)
    const seq = known?.seq ?? 0
    if (batch.seq <= seq) return ALREADY
    if (batch.seq > seq + 1) return Result.fail({ reason: "missing", word: "earlier batch of the author" })
    if (known === undefined && authors.all.length === AUTHORS_LIMIT) return malformed("too many authors")
    const author = known ?? new Author(authors.all.length, batch.author)
    if (!(batch.lamport > author.lamport)) return malformed("lamport not above the author's last")
    if (batch.operations.length > BATCH_LIMIT) return malformed("too long a batch")
    const refusal = this.#checker.judge(author, batch.operations)
    if (refusal !== undefined) return Result.fail(refusal)
    const me = known ?? authors.add(new Uint8Array(batch.author) as PublicKey)
    this.#op.in.reset(batch.operations)
    while (this.#op.next()) applyOperation(this.#state, me, this.#op, batch.lamport)
    me.seq = batch.seq
    me.lamport = batch.lamport
    if (batch.lamport > this.#state.lamport) this.#state.lamport = batch.lamport
    this.#observers.tell(false)
    return APPLIED
  }

  /** The largest lamport so far: the next own batch has one more. */
  get lamport(): number {
    return this.#state.lamport
  }

  /** How far each author has come, by key. Documents of equal heads are equal. */
  heads(): ReadonlyArray<Head> {
    return this.#state.authors.inOrder().map(({ key, lamport, seq }) => ({ author: key, seq, lamport }))
  }

  /** The state at these heads; equal heads give equal bytes. */
  snapshot(): Uint8Array {
    return writeSnapshot(this.#state)
  }

  /** Roots by kind, then by name, both in order. */
  toJSON(): Record<string, Record<string, unknown>> {
    const json: Record<string, Record<string, unknown>> = { maps: {}, lists: {}, texts: {}, registers: {} }
    const kinds = Object.values(json)
    for (const root of this.#state.rootsInOrder()) kinds[root.kind]![root.name!] = root.toJSON()
    return json
  }

  #root(kind: ContainerKind, name: string): Container {
    if (!name.isWellFormed() || utf8(name).length > NAME_LIMIT) throw new RangeError("a name of at most 256 bytes")
    return this.#state.root(kind, name)
  }

  #finish(bytes: Uint8Array, length: number): void {
    if (this.#collected === undefined && this.#listeners.size === 0) return
    const { key, seq, lamport } = this.#writer.me
    const batch = { author: key, seq, lamport, operations: bytes.slice(0, length) }
    this.#collected?.push(batch)
    if (this.#listeners.size > 0) this.#finished.push(batch)
  }

  /** Whoever hears of it may edit and apply at once. */
  #tell(): void {
    if (this.#finished.length > 0) {
      const finished = this.#finished
      this.#finished = []
      for (const batch of finished) for (const listener of this.#listeners) listener(batch)
    }
    this.#observers.tell(true)
  }
}

/**
 * V8 throws optimised code away with the last object of each shape that it was made for. Two small documents that have
 * seen everything stay, so that whoever closes his only document and opens another does not begin from nothing: the
 * first six thousand letters then take 2 ms instead of 12.
 */
let kept: ReadonlyArray<Document> | undefined

const keepShapes = (): void => {
  kept = []
  const [one, two] = [1, 2].map((byte) => new Document(new Uint8Array(32).fill(byte) as PublicKey)) as [
    Document,
    Document
  ]
  const batches = [0, 1, 2].flatMap((round) =>
    one.transact(() => {
      one.text("").insert(round, "abc")
      one.text("").delete(1, 1)
      one.list("").push(1, [])
      one.list("").delete(0)
      one.map("").set("", {})
      one.register("").set(round)
    })
  )
  for (const batch of batches) two.apply(batch)
  two.transact(() => two.text("").insert(1, "de"))
  kept = [one, two, Result.getOrThrow(Document.load(two.snapshot(), batches[0]!.author))]
}

const malformed = (word: string) => Result.fail<Refusal>({ reason: "malformed", word })
