/**
 * Under which of its other names this node speaks anonymously: another one for each salt and for each name, so that what
 * it says at two places is joined by nobody.
 */
import { concatBytes } from "#schemas/bytes/bytes"
import { RecordKind } from "#schemas/dht/Record"

/** `salt` is that of the record. */
export const mutableSalt = (salt: Uint8Array): Uint8Array => concatBytes([Uint8Array.of(RecordKind.Mutable), salt])

/** `key` is that under which the name's entries are. */
export const nameSalt = (key: Uint8Array): Uint8Array => concatBytes([Uint8Array.of(RecordKind.Name), key])
