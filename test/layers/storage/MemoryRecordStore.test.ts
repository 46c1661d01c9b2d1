import { Layer } from "effect"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import { recordStoreLaws } from "../../laws/recordStore.ts"

recordStoreLaws("MemoryRecordStore", (options) =>
  MemoryRecordStore.layer(options).pipe(Layer.provide(NodeCrypto.layer))
)
