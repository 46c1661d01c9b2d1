/**
 * Makes the vectors of encrypted content but for the age files, which have chance in them and were made once by the `age`
 * command: `node --conditions=allium-source test/vectors/makeUcxl.ts` prints what stands in ucxl.json.
 */
import { readFileSync } from "node:fs"
import { keyOfSecret } from "#core/ucxl/roleKeysText"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import { hexOf, utf8 } from "#schemas/bytes/bytes"
import { cidOfDigest, cidText, DAG_CBOR, RAW } from "#schemas/content/Cid"
import type { PublicKey } from "#schemas/identity/PublicKey"
import type { UcxlAddress } from "#schemas/ucxl/Address"
import * as Entry from "#schemas/ucxl/Entry"
import * as Metadata from "#schemas/ucxl/Metadata"
import * as Notice from "#schemas/ucxl/Notice"
import * as RoleList from "#schemas/ucxl/RoleList"

const { suite } = NodeCrypto
const digest = (text: string) => suite.sha256(utf8(text))
const FILE = new URL("./ucxl.json", import.meta.url)

export interface UcxlVectors {
  readonly key: { readonly secret: string; readonly identity: string; readonly recipient: string }
  readonly addressDigest: string
  readonly topic: string
  readonly entry: string
  readonly metadata: string
  readonly notice: string
  readonly tombstone: string
  readonly roles: string
  readonly cids: { readonly age: string; readonly metadata: string }
  /** Made by the command: what it encrypted to the recipient above, and what that was. */
  readonly ageFiles: ReadonlyArray<{ readonly plaintext: string; readonly file: string }>
}

export const makeVectors = (): Omit<UcxlVectors, "ageFiles"> => {
  const address = "ucxl://agent-1/developer/allium/storage/decision" as UcxlAddress
  const secret = digest("role key")
  const { identity, recipient } = keyOfSecret(suite, "developer", secret)
  const [cid, metadataCid] = [cidOfDigest(DAG_CBOR, digest("age file")), cidOfDigest(RAW, digest("metadata"))]
  const metadata: Metadata.MetadataFields = {
    address,
    creatorRole: "developer",
    encryptedFor: ["developer", "architect", "reader"],
    sharedWith: ["reader"],
    contentType: "text/markdown",
    timestamp: 1_700_000_000_000,
    size: 31,
    sha256: digest("age file"),
    holders: [digest("holder 1"), digest("holder 2")],
    replicationFactor: 5,
    previous: { cid: metadataCid, metadataCid: cid }
  }
  const member = suite.signingKey(digest("member")).publicKey as PublicKey
  const roles = RoleList.write([
    {
      ...{ name: "developer", level: "execution" as const, recipients: [recipient], canDecrypt: ["reader"] },
      ...{ members: [member], grants: [utf8("grant")] }
    },
    { name: "architect", level: "master" as const, recipients: [], canDecrypt: ["*"], members: [], grants: [] }
  ])
  const notice = { metadataCid, seq: 1_700_000_000_001, digest: digest(address) }
  return {
    key: { secret: hexOf(secret), identity, recipient },
    addressDigest: hexOf(digest(address)),
    topic: hexOf(suite.sha256(Notice.topicPreimage(suite.signingKey(digest("authority")).publicKey))),
    entry: hexOf(Entry.write({ cid, metadataCid, size: 31 })),
    metadata: hexOf(Metadata.write(metadata)),
    notice: hexOf(Notice.write({ ...notice, cid })),
    tombstone: hexOf(Notice.write({ ...notice, cid: undefined })),
    roles: hexOf(roles),
    cids: { age: cidText(cid), metadata: cidText(metadataCid) }
  }
}

export const readVectors = (): UcxlVectors => JSON.parse(readFileSync(FILE, "utf8"))

if (import.meta.main) console.log(JSON.stringify({ ...makeVectors(), ageFiles: readVectors().ageFiles }, undefined, 2))
