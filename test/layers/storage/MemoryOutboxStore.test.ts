import * as MemoryOutboxStore from "#layers/storage/MemoryOutboxStore"
import { outboxStoreLaws } from "../../laws/outboxStore.ts"

outboxStoreLaws("MemoryOutboxStore", MemoryOutboxStore.layerOf)
