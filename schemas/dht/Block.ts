/** Kind 0: bare bytes under their own SHA-256, the digest of their CID. At most 32 KiB; no signature, no times. */
import { Result, Schema } from "effect"
import { bytesUpTo } from "#schemas/bytes/bytes"
import { BLOCK_LIMIT } from "./Record.ts"

export const Block = bytesUpTo(BLOCK_LIMIT).pipe(Schema.brand("Block"))
export type Block = typeof Block.Type

/** The same bytes, or the word of refusal. */
export const read = (bytes: Uint8Array): Result.Result<Block, string> =>
  bytes.length > BLOCK_LIMIT ? Result.fail("block above 32 KiB") : Result.succeed(bytes as Block)
