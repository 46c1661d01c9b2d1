/**
 * Cuts bytes of any rhythm into leaves of 32,768 bytes; only the last may be shorter, and empty content has one empty
 * leaf. The cuts depend on the bytes alone, never on how they arrived, so the same content has the same CID everywhere.
 */
import { LEAF_LENGTH } from "#schemas/content/DagNode"

export class Chunker {
  private open = new Uint8Array(LEAF_LENGTH)
  private filled = 0
  private leaves = 0;

  /**
   * The leaves that these bytes complete, cut as they are asked for, so that one huge push costs no second copy.
   * Take them all before the next push. Each leaf is memory of its own: `bytes` may be reused afterwards.
   */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; ) {
      const taken = bytes.subarray(at, at + LEAF_LENGTH - this.filled)
      this.open.set(taken, this.filled)
      this.filled += taken.length
      at += taken.length
      if (this.filled < LEAF_LENGTH) return
      const leaf = this.open
      this.open = new Uint8Array(LEAF_LENGTH)
      this.filled = 0
      this.leaves++
      yield leaf
    }
  }

  /** The last leaf, if one is still open. Nothing may be pushed afterwards. */
  finish(): Uint8Array | undefined {
    return this.filled === 0 && this.leaves > 0 ? undefined : this.open.slice(0, this.filled)
  }
}
