/** The document that a log is carried out on. A snapshot makes another one of it; handles of the old one are void then. */
import { Result } from "effect"
import { Document } from "#core/crdt/Document"
import type { PublicKey } from "#schemas/identity/PublicKey"
import type { Batch, Replica } from "#services/crdt/OpLog"

export class DocumentReplica implements Replica {
  document: Document
  /** Called when there is another document. */
  onRestart: () => void = () => {}
  readonly #author: PublicKey

  constructor(author: PublicKey) {
    this.#author = author
    this.document = new Document(author)
  }

  apply(batch: Batch) {
    return this.document.apply(batch)
  }

  restart(bytes: Uint8Array, batches: ReadonlyArray<Batch>): Result.Result<void, string> {
    const loaded = Document.load(bytes, this.#author)
    if (Result.isFailure(loaded)) return Result.fail(loaded.failure)
    for (const batch of batches) {
      const applied = loaded.success.apply(batch)
      if (Result.isFailure(applied)) return Result.fail(applied.failure.word)
    }
    this.document = loaded.success
    this.onRestart()
    return Result.void
  }

  snapshot(): Uint8Array {
    return this.document.snapshot()
  }
}
