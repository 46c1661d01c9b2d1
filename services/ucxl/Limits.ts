/** What encrypted content may cost a node in memory, disk and requests. */

/** Bytes of a plaintext: it is whole in memory before any of it is given out. */
export const CONTENT_LIMIT = 64 * 1024 * 1024

/** Plaintexts up to here are encrypted at once, larger ones as they come. */
export const AT_ONCE = 1024 * 1024

export { METADATA_LIMIT } from "#schemas/ucxl/Metadata"

/** Bytes that stand before the payload of an age file: 98 a recipient, of which there are 1,024 where all roles are full. */
export const HEADER_LIMIT = 128 * 1024

/** Versions of one address that its history shows. */
export const HISTORY_LIMIT = 1_000

/** Bytes of decrypted content in memory, and items of it. */
export const CACHE_BYTES = 64 * 1024 * 1024
export const CACHE_ITEMS = 10_000

/** Addresses at which this node stores at once; further calls wait. */
export const STORES_AT_ONCE = 64

/** Items of a page of a search. */
export const PAGE = 256

/** Texts above this many letters are not searched by their words. */
export const TEXT_LIMIT = 1024 * 1024

/** Items whose words are known at once. */
export const TEXTS_LIMIT = 10_000
/** Letters of all their words. */
export const TEXTS_LETTERS = 64 * 1024 * 1024

/** Lines of audit in the database before the older half goes to an archive, and archives before the oldest is dropped. */
export const AUDIT_BYTES = 8 * 1024 * 1024
export const AUDIT_ARCHIVES = 16

/** Keys of roles in the key file. */
export const ROLE_KEYS_LIMIT = 256

/** Notices of new content that wait to be looked at, and items that they may add to the index. */
export const NOTICES_WAITING = 256
export const INDEX_LIMIT = 1_000_000
