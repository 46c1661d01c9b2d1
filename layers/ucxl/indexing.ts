/** Tells the index what this node has seen of an address; of what it stored itself, it keeps what only it knows. */
import { Effect } from "effect"
import { searchableText } from "#core/ucxl/searchable"
import { equalBytes } from "#schemas/bytes/bytes"
import { cidText } from "#schemas/content/Cid"
import type { IndexItem } from "#services/ucxl/ContentIndex"
import { TEXT_LIMIT } from "#services/ucxl/Limits"
import { indexItem } from "./indexItem.ts"
import type { Located } from "./reading.ts"
import type { Opened, StoreState } from "./StoreState.ts"

export const makeIndexing = ({ index, self }: StoreState) => ({
  /** A version that was decrypted; `known`: what the index had of its address. */
  seen: ({ content, metadata }: Opened, located: Located, known: IndexItem | undefined) =>
    Effect.suspend(() => {
      const text = searchableText(metadata.contentType, content, TEXT_LIMIT)
      const own = equalBytes(located.author, self.publicKey)
      // An own entry that was only signed anew keeps its row: the seq there says since when its grants have been the same.
      const isSame = own && known?.own === true && known.cid === cidText(located.cid)
      const item = isSame ? known : indexItem(metadata, located, { did: located.did, seq: located.seq, own }, "")
      return index.put(item, text)
    })
})
