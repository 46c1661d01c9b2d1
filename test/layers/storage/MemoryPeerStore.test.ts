import * as MemoryPeerStore from "#layers/storage/MemoryPeerStore"
import { peerStoreLaws } from "../../laws/peerStore.ts"

peerStoreLaws("MemoryPeerStore", MemoryPeerStore.layer())
