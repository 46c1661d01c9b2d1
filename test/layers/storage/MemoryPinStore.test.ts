import * as MemoryPinStore from "#layers/storage/MemoryPinStore"
import { pinStoreLaws } from "../../laws/pinStore.ts"

pinStoreLaws("MemoryPinStore", MemoryPinStore.layer)
