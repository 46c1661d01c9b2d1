/** A network of one record, for directories of roles: what is published is found, unless something else is shown. */
import { Effect, Layer, Result } from "effect"
import { signMutable } from "#core/dht/signRecord"
import { grantRoles } from "#core/ucxl/roleGrants"
import * as NodeCrypto from "#layers/identity/NodeCrypto"
import * as MemorySavedRoles from "#layers/ucxl/MemorySavedRoles"
import * as SignedRoleDirectory from "#layers/ucxl/SignedRoleDirectory"
import * as Mutable from "#schemas/dht/Mutable"
import { didOf, type PublicKey } from "#schemas/identity/PublicKey"
import type { Role } from "#schemas/ucxl/Role"
import * as RoleList from "#schemas/ucxl/RoleList"
import { Dht, NotFound, PutRefused } from "#services/dht/Dht"
import { Identity } from "#services/identity/Identity"

const { suite } = NodeCrypto

export const networkId = new Uint8Array(32).fill(7)
export const signerOf = (fill: number) => ({ networkId, signing: suite.signingKey(new Uint8Array(32).fill(fill)) })
export const keyOf = (fill: number): PublicKey => signerOf(fill).signing.publicKey as PublicKey

export const AUTHORITY = 1

export const role = (name: string, fields: Partial<Role> = {}): Role => ({
  name,
  level: "execution",
  recipients: [],
  canDecrypt: [],
  members: [keyOf(2)],
  ...fields
})

export const identity = (fill: number): Layer.Layer<Identity> => {
  const { signing } = signerOf(fill)
  const publicKey = keyOf(fill)
  return Layer.succeed(Identity, { publicKey, did: didOf(publicKey), signing, networkId } as Identity["Service"])
}

export class OneRecord {
  shown: { readonly seq: number; readonly value: Uint8Array } | undefined
  /** Nobody answers. */
  cut = false
  asked = 0
  puts = 0

  /** As the authority of another place would have published it. */
  show(seq: number, roles: ReadonlyArray<Role>, now = 0, by = AUTHORITY): void {
    this.shown = { seq, value: RoleList.write(grantRoles(signerOf(by), roles, now)) }
  }

  readonly dht = Layer.mock(Dht, {
    getMutable: (author, salt) =>
      Effect.suspend(() => {
        this.asked++
        const key = suite.sha256(Mutable.keyPreimage(author, salt))
        if (this.shown === undefined || this.cut) return Effect.fail(new NotFound({ key, asked: 3 }))
        const bytes = signMutable(signerOf(AUTHORITY), { salt, ...this.shown, issued: 0, expires: 9 })
        return Effect.succeed(new Mutable.Mutable(Result.getOrThrow(Mutable.read(bytes))))
      }),
    putMutable: (salt, value) =>
      Effect.suspend(() => {
        const author = keyOf(AUTHORITY)
        const key = suite.sha256(Mutable.keyPreimage(author, salt))
        if (this.cut) return Effect.fail(new PutRefused({ key, refusals: [] }))
        this.puts++
        this.shown = { seq: (this.shown?.seq ?? 0) + 1, value }
        const lookup = { requests: 0, failures: 0, hops: 0, path: [], milliseconds: 0 }
        const place = { key, status: "stored" as const, reached: 1, factor: 5, holders: [], expires: 9, lookup }
        return Effect.succeed({ ...place, seq: this.shown.seq, author })
      })
  })

  /** The directory of the node with this key, which remembers what is in `saved`. */
  readonly directory = (
    fill: number,
    saved: MemorySavedRoles.SavedList = new MemorySavedRoles.SavedList(),
    authority: PublicKey | undefined = keyOf(AUTHORITY)
  ) =>
    SignedRoleDirectory.layer({ authority }).pipe(
      Layer.provide([this.dht, identity(fill), MemorySavedRoles.layer(saved), NodeCrypto.layer])
    )
}
