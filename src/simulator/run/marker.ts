/** What gives away that something is readable which should not be. */
import { utf8 } from "#schemas/bytes/bytes"

/** At the head of everything that users store or write: found on no wire that is encrypted. */
export const MARKER = utf8("allium-plaintext")
