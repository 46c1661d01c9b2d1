/** What failures about encrypted content are called to the person who typed the command. */
import type {
  ContentTooLarge,
  Denied,
  InvalidAddress,
  NotForUs,
  RotationIncomplete,
  Tampered
} from "#services/ucxl/EncryptedStore"
import { harmless, size } from "./output.ts"

export type StoreError = InvalidAddress | Denied | NotForUs | Tampered | ContentTooLarge | RotationIncomplete

const TAGS: Record<StoreError["_tag"], true> = {
  InvalidUcxlAddress: true,
  Denied: true,
  NotForUs: true,
  Tampered: true,
  ContentTooLarge: true,
  RotationIncomplete: true
}

export const isStoreError = (error: { readonly _tag: string }): error is StoreError => Object.hasOwn(TAGS, error._tag)

export const storeSentence = (error: StoreError): string => {
  switch (error._tag) {
    case "InvalidUcxlAddress":
      return `"${harmless(error.address)}" is no address, ${harmless(error.reason)}: write ucxl://agent/role/project/task/type`
    case "Denied":
      return denied(error)
    case "NotForUs":
      return notForUs(error)
    case "Tampered":
      return `what stands under ${error.address} is not what an honest author stores, and nothing of it is given out: ${tampered(error)}`
    case "ContentTooLarge":
      return `content has at most ${size(error.limit)}, and this has more: store it in parts`
    case "RotationIncomplete":
      return `${error.failed} of ${error.done + error.failed} could not be encrypted anew, the first ${error.address} (${harmless(error.reason)}): run "allium store rotate --role ${harmless(error.role)}" again, it goes on with the rest`
  }
}

const denied = ({ address, reason, role }: Denied): string => {
  const name = harmless(role)
  switch (reason) {
    case "ReadOnly":
      return `the role ${name} may read and not store: store ${address} in the name of another role`
    case "NotMember":
      return `this node is no member of the role ${name}: ask the authority to add it ("allium role add"), or name one of its own roles`
    case "NoRecipients":
      return `nobody could read ${address}, for the role ${name} has no key: make one with "allium role key ${name}" and give it to the authority`
    case "NotAuthor":
      return `${address} is somebody else's: only its author can do that`
    case "GrantExpired":
      return `this node's grant for the role ${name} has expired: the authority's node must run to renew it`
  }
}

const notForUs = ({ address, held }: NotForUs): string =>
  held.length === 0
    ? `access to ${address} is denied: this node has no key of any role; make one with "allium role key", and have the authority publish it`
    : `access to ${address} is denied: it is not encrypted for ${held.map(harmless).join(", ")}, of which this node has keys; ask its author to share it`

const tampered = ({ detail, what }: Tampered): string => {
  const why = detail === "" ? "" : ` (${harmless(detail)})`
  switch (what) {
    case "Ciphertext":
      return `its ciphertext was changed${why}; ask its author to store it again`
    case "Truncated":
      return `its ciphertext is cut short${why}; ask its author to store it again`
    case "Undecipherable":
      return `its ciphertext cannot be decrypted${why}; ask its author to store it again`
    case "Metadata":
      return `its metadata cannot be read, or contradicts it${why}; ask its author to store it again`
    case "Author":
      return `its author is no member of the role that he claims${why}; tell the authority`
    case "Replayed":
      return `it is older than what this node has seen of the same author${why}; try again later, from other holders`
  }
}
