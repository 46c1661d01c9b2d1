/** Says again what a node said last, word for word under new times: how it keeps its own records alive. */
import { Result } from "effect"
import { equalBytes } from "#schemas/bytes/bytes"
import * as Announcement from "#schemas/dht/Announcement"
import * as Mutable from "#schemas/dht/Mutable"
import * as Name from "#schemas/dht/Name"
import * as Provider from "#schemas/dht/Provider"
import { RecordKind } from "#schemas/dht/Record"
import { type Signer, signAnnouncement, signMutable, signName, signProvider } from "./signRecord.ts"

export interface Times {
  readonly seq: number
  readonly issued: number
  readonly expires: number
}

export interface Again {
  /** Seconds that the last one was to live. */
  readonly lifetime: number
  readonly sign: (times: Times) => Uint8Array
}

/** Undefined for what this signer did not say, for what he took back, and for kinds that others number. */
export const signAgain = (signer: Signer, kind: number, bytes: Uint8Array): Again | undefined => {
  const own = (author: Uint8Array): boolean => equalBytes(author, signer.signing.publicKey)
  const again = (last: Omit<Times, "seq">, sign: Again["sign"]): Again => ({
    lifetime: last.expires - last.issued,
    sign
  })
  switch (kind) {
    case RecordKind.Mutable: {
      const last = Result.getOrUndefined(Mutable.read(bytes))
      if (last === undefined || !own(last.author) || Mutable.isDeletion(last)) return undefined
      const { salt, value } = last
      return again(last, (times) => signMutable(signer, { salt, value, ...times }))
    }
    case RecordKind.Name: {
      const last = Result.getOrUndefined(Name.read(bytes))
      if (last === undefined || !own(last.author) || Name.isDeletion(last)) return undefined
      const { authority, digest, grants, value } = last
      return again(last, (times) => signName(signer, { authority, digest, value, grants, ...times }))
    }
    case RecordKind.Provider: {
      const last = Result.getOrUndefined(Provider.read(bytes))
      if (last === undefined || !own(last.node)) return undefined
      const { key } = last
      return again(last, ({ expires, issued }) => signProvider(signer, { key, issued, expires }))
    }
    case RecordKind.Announcement: {
      const last = Result.getOrUndefined(Announcement.read(bytes))
      if (last === undefined || !own(last.node)) return undefined
      const { authority, grants, name } = last
      return again(last, ({ expires, issued }) =>
        signAnnouncement(signer, { authority, name, grants, issued, expires })
      )
    }
    default:
      return undefined
  }
}
