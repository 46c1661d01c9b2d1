import * as MemoryGuardStore from "#layers/storage/MemoryGuardStore"
import { guardStoreLaws } from "../../laws/guardStore.ts"

guardStoreLaws("MemoryGuardStore", MemoryGuardStore.layer)
