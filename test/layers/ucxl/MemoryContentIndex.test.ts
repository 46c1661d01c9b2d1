import * as MemoryContentIndex from "#layers/ucxl/MemoryContentIndex"
import { contentIndexLaws } from "../../laws/contentIndex.ts"

contentIndexLaws("MemoryContentIndex", MemoryContentIndex.layer)
