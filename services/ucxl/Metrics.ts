/** What is counted of encrypted content. */
import { Metric } from "effect"

const counter = (name: string, description: string) =>
  Metric.counter(`allium_ucxl_${name}_total`, { description, incremental: true })

const milliseconds = (name: string, description: string) =>
  Metric.histogram(`allium_ucxl_${name}_milliseconds`, {
    description,
    boundaries: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000]
  })

export const stored = counter("stored", "Contents stored, those encrypted anew included")
export const retrieved = counter("retrieved", "Contents given out, from memory included")
export const denied = counter("denied", "Calls that policy or a missing key refused")
export const failed = counter("failed", "Calls that failed otherwise")
export const cacheHits = counter("cache_hits", "Contents given out from memory")
export const cacheMisses = counter("cache_misses", "Contents that were not in memory")
export const encryptions = counter("encryptions", "Age files made, those of metadata included")
export const decryptions = counter("decryptions", "Age files opened, those of metadata included")
export const notices = counter("notices", "Notices of new content, by what became of them")
export const damagedRows = counter("damaged_index_rows", "Rows of the index that came back from the disk unreadable")
export const damagedLines = counter("damaged_audit_lines", "Lines of audit that came back from the disk unreadable")
export const cachedItems = Metric.gauge("allium_ucxl_cached_items", { description: "Decrypted contents in memory" })
export const cachedBytes = Metric.gauge("allium_ucxl_cached_bytes", { description: "Bytes of them" })
/** Their sums over their counts are the means. */
export const storeTime = milliseconds("store", "Time from a call to store to its end, where it succeeded")
export const retrieveTime = milliseconds("retrieve", "Time from a call to retrieve to its end, where it succeeded")
