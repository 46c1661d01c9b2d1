import * as MemoryRecordStore from "#layers/storage/MemoryRecordStore"
import { recordStoreLaws } from "../../laws/recordStore.ts"

recordStoreLaws("MemoryRecordStore", MemoryRecordStore.layer)
