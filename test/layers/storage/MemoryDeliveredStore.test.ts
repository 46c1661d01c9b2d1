import * as MemoryDeliveredStore from "#layers/storage/MemoryDeliveredStore"
import { deliveredStoreLaws } from "../../laws/deliveredStore.ts"

deliveredStoreLaws("MemoryDeliveredStore", MemoryDeliveredStore.layer)
