import * as MemoryOpStore from "#layers/storage/MemoryOpStore"
import { opStoreLaws } from "../../laws/opStore.ts"

opStoreLaws("MemoryOpStore", MemoryOpStore.layer)
