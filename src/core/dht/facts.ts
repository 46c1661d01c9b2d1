/**
 * What a store needs to know of a record, whatever its kind: under which key it lies, what it replaces, how long it lives
 * and who has to have signed it. Read from its bytes alone; nothing is verified.
 */
import { Result } from "effect"
import type { Suite } from "#core/identity/Suite"
import * as Announcement from "#schemas/dht/Announcement"
import * as Commit from "#schemas/dht/Commit"
import * as Inbox from "#schemas/dht/Inbox"
import * as KeyPackages from "#schemas/dht/KeyPackages"
import * as Mutable from "#schemas/dht/Mutable"
import * as Name from "#schemas/dht/Name"
import * as Op from "#schemas/dht/Op"
import * as Provider from "#schemas/dht/Provider"
import { OPEN_NAME_LIMIT, RecordKind, SET_LIMITS } from "#schemas/dht/Record"
import * as Snapshot from "#schemas/dht/Snapshot"
import { dayOf } from "#schemas/dht/Work"
import * as PeerRecord from "#schemas/identity/PeerRecord"
import { type Claim, isOpen } from "./grants.ts"
import { bitsOn } from "./work.ts"

export interface Facts {
  readonly key: Uint8Array
  /** Of a set what tells its entries apart, else empty. */
  readonly member: Uint8Array
  readonly seq: number
  /** Unix seconds; undefined for the kinds that carry no times (5 and 6). */
  readonly times: { readonly issued: number; readonly expires: number } | undefined
  /** Entries that may stand under the key: 1 where the kind is no set. */
  readonly limit: number
  /** Of the entries of a full set those of the highest rank stay. */
  readonly rank: number
  /** Undefined for an inbox record, which nobody signs. */
  readonly signed: { readonly by: Uint8Array; readonly index: number } | undefined
  /** In whose name it is, for the kinds whose grants are checked here (4 and 10). */
  readonly claim?: Claim
  /** Leading zero bits of the work that it carries, for an inbox record. */
  readonly bits?: number
  /** It takes back what its author said before, and is held for as long as that might come back. */
  readonly deletes?: boolean
}

type Reader = (suite: Suite, bytes: Uint8Array) => Result.Result<Facts, string>

const ALONE = new Uint8Array(0)
const LONE = { member: ALONE, limit: 1, rank: 0 }

const limitOf = (kind: RecordKind): number => SET_LIMITS[kind] ?? 1

const mutable: Reader = (suite, bytes) =>
  Result.map(Mutable.read(bytes), ({ author, expires, issued, salt, seq, value }) => ({
    ...LONE,
    key: suite.sha256(Mutable.keyPreimage(author, salt)),
    seq,
    times: { issued, expires },
    signed: { by: author, index: Mutable.SIGNATURE_INDEX },
    deletes: Mutable.isDeletion({ value })
  }))

/** Of two announcements of one node the later counts, so the time stands in for a seq. */
const provider: Reader = (_suite, bytes) =>
  Result.map(Provider.read(bytes), ({ expires, issued, key, node }) => ({
    key,
    member: node,
    seq: issued,
    times: { issued, expires },
    limit: limitOf(RecordKind.Provider),
    rank: issued,
    signed: { by: node, index: Provider.SIGNATURE_INDEX }
  }))

const peer: Reader = (suite, bytes) =>
  Result.map(PeerRecord.read(bytes), ({ expires, issued, publicKey, seq }) => ({
    ...LONE,
    key: suite.sha256(publicKey),
    seq,
    times: { issued, expires },
    signed: { by: publicKey, index: PeerRecord.SIGNATURE_INDEX }
  }))

const announcement: Reader = (suite, bytes) =>
  Result.map(Announcement.read(bytes), ({ authority, expires, grants, issued, name, node }) => ({
    key: suite.sha256(Announcement.keyPreimage(authority, name)),
    member: node,
    seq: issued,
    times: { issued, expires },
    limit: limitOf(RecordKind.Announcement),
    rank: issued,
    signed: { by: node, index: Announcement.SIGNATURE_INDEX },
    claim: { authority, scope: authority, subject: node, grants }
  }))

const op: Reader = (suite, bytes) =>
  Result.map(Op.read(bytes), ({ author, seq }) => ({
    ...LONE,
    key: suite.sha256(bytes),
    seq,
    times: undefined,
    signed: { by: author, index: Op.SIGNATURE_INDEX }
  }))

/** Nothing in it says which of two authors should stay, so the order of their keys does. */
const commit: Reader = (suite, bytes) =>
  Result.map(Commit.read(bytes), ({ author, channel, parent, seq }) => ({
    key: suite.sha256(Commit.keyPreimage(channel, parent)),
    member: author,
    seq,
    times: undefined,
    limit: limitOf(RecordKind.Commit),
    rank: 0,
    signed: { by: author, index: Commit.SIGNATURE_INDEX }
  }))

const snapshot: Reader = (suite, bytes) =>
  Result.map(Snapshot.read(bytes), ({ author, channel, expires, issued }) => ({
    key: suite.sha256(Snapshot.keyPreimage(channel)),
    member: author,
    seq: issued,
    times: { issued, expires },
    limit: limitOf(RecordKind.Snapshot),
    rank: issued,
    signed: { by: author, index: Snapshot.SIGNATURE_INDEX }
  }))

const keyPackages: Reader = (suite, bytes) =>
  Result.map(KeyPackages.read(bytes), ({ expires, issued, publicKey, seq }) => ({
    ...LONE,
    key: suite.sha256(KeyPackages.keyPreimage(publicKey)),
    seq,
    times: { issued, expires },
    signed: { by: publicKey, index: KeyPackages.SIGNATURE_INDEX }
  }))

const inbox: Reader = (suite, bytes) => {
  const record = Inbox.read(bytes)
  if (Result.isFailure(record)) return Result.fail(record.failure)
  const { expires, issued, key, nonce } = record.success
  return Result.map(Inbox.unworkedOf(bytes), (unworked) => {
    const job = { kind: RecordKind.Inbox, key, digest: suite.sha256(unworked) }
    const bits = bitsOn(suite, job, dayOf(issued), nonce)
    const times = { issued, expires }
    const limit = limitOf(RecordKind.Inbox)
    return { key, member: suite.sha256(bytes), seq: 0, times, limit, rank: bits, signed: undefined, bits }
  })
}

const name: Reader = (suite, bytes) =>
  Result.map(Name.read(bytes), ({ author, authority, digest, expires, grants, issued, seq, value }) => ({
    key: suite.sha256(Name.keyPreimage(authority, digest)),
    member: author,
    seq,
    times: { issued, expires },
    limit: isOpen(authority) ? OPEN_NAME_LIMIT : limitOf(RecordKind.Name),
    rank: issued,
    signed: { by: author, index: Name.SIGNATURE_INDEX },
    claim: { authority, scope: authority, subject: author, grants },
    deletes: Name.isDeletion({ value })
  }))

const readers: Partial<Record<number, Reader>> = {
  [RecordKind.Mutable]: mutable,
  [RecordKind.Provider]: provider,
  [RecordKind.Peer]: peer,
  [RecordKind.Announcement]: announcement,
  [RecordKind.Op]: op,
  [RecordKind.Commit]: commit,
  [RecordKind.Snapshot]: snapshot,
  [RecordKind.KeyPackages]: keyPackages,
  [RecordKind.Inbox]: inbox,
  [RecordKind.Name]: name
}

/** Of any kind but a block, which is bare bytes. Fails with the word of refusal. */
export const factsOf = (suite: Suite, kind: number, bytes: Uint8Array): Result.Result<Facts, string> =>
  readers[kind]?.(suite, bytes) ?? Result.fail("a kind that is unknown here")
