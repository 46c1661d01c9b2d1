import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type Claim, standingOf } from "#core/dht/grants"
import { checkRoles, sizeOf } from "#core/ucxl/checkRoles"
import { faultOfGrants, grantRoles, isRenewalDue } from "#core/ucxl/roleGrants"
import { suite } from "#layers/identity/NodeCrypto"
import type { PublicKey } from "#schemas/identity/PublicKey"
import { recipientText } from "#schemas/ucxl/ageKeys"
import type { Role } from "#schemas/ucxl/Role"
import { type ListedRole, ROLE_LIST_LIMIT, write } from "#schemas/ucxl/RoleList"

const DAY = 86_400
const NOW = 1_800_000_000
const networkId = new Uint8Array(32).fill(3)
const signerOf = (fill: number, network = networkId) => ({
  signing: suite.signingKey(new Uint8Array(32).fill(fill)),
  networkId: network
})
const keyOf = (fill: number) => signerOf(fill).signing.publicKey as PublicKey
const authority = signerOf(1)
const recipient = (fill: number) => recipientText(new Uint8Array(32).fill(fill))

const role = (name: string, fields: Partial<Role> = {}): Role => ({
  name,
  level: "execution",
  recipients: [],
  canDecrypt: [],
  members: [],
  ...fields
})

const faultOf = (...roles: ReadonlyArray<Role>): string => {
  const result = checkRoles(roles)
  assert.isTrue(Result.isFailure(result), "was accepted")
  return Result.isFailure(result) ? `${result.failure.role} ${result.failure.reason}` : ""
}

describe("checkRoles", () => {
  it("takes roles that agree with each other", () => {
    const roles = [
      role("developer", { recipients: [recipient(1)], members: [keyOf(2)], canDecrypt: ["reader"] }),
      role("architect", { recipients: [recipient(1), recipient(2)], canDecrypt: ["*", "developer"] }),
      role("reader", { level: "read-only" })
    ]
    assert.isTrue(Result.isSuccess(checkRoles(roles)))
  })

  it("names the role and what is wrong with it", () => {
    assert.strictEqual(faultOf(role("a"), role("a")), "a is there twice")
    assert.match(faultOf(role("A")), /^A is no name/)
    assert.match(faultOf(role("a".repeat(60))), /1 to 59/)
    assert.match(
      faultOf(role("a", { recipients: [`${recipient(1).slice(0, -1)}x`] })),
      /recipient that is none: .*mistyped/
    )
    assert.match(faultOf(role("a", { recipients: [recipient(1), recipient(1)] })), /^a has the recipient age1\w+ twice/)
    assert.match(faultOf(role("a", { members: [keyOf(1), keyOf(2), keyOf(1)] })), /^a has the member did:key:\w+ twice/)
    assert.strictEqual(faultOf(role("a", { canDecrypt: ["*", "*"] })), "a may decrypt * twice")
    assert.match(faultOf(role("a", { canDecrypt: ["b"] })), /^a may decrypt b, which is no role/)
    assert.match(
      faultOf(role("a", { members: Array.from({ length: 33 }, (_, at) => keyOf(at)) })),
      /more than 32 members/
    )
    assert.match(
      faultOf(role("a", { recipients: Array.from({ length: 17 }, (_, at) => recipient(at)) })),
      /more than 16/
    )
    assert.match(faultOf(...Array.from({ length: 65 }, (_, at) => role(`r${at}`))), /65 roles, and 64 are the most/)
  })

  it("refuses a list that is larger with its grants than a record", () => {
    const members = Array.from({ length: 32 }, (_, at) => new Uint8Array(32).fill(at) as PublicKey)
    const full = Array.from({ length: 10 }, (_, at) => role(`r${at}`, { members }))
    assert.isAbove(sizeOf(full), ROLE_LIST_LIMIT)
    assert.match(faultOf(...full), /^ the list has \d+ bytes with its grants/)
    assert.isTrue(Result.isSuccess(checkRoles(full.slice(0, 7))))
    assert.isAtMost(write(grantRoles(authority, full.slice(0, 7), NOW)).length, sizeOf(full.slice(0, 7)))
  })
})

describe("grants of roles", () => {
  const roles = [
    role("developer", { members: [keyOf(2), keyOf(3)] }),
    role("reader", { level: "read-only", members: [keyOf(4)] }),
    role("owner", { level: "master", members: [keyOf(2)] })
  ]
  const granted = grantRoles(authority, roles, NOW)
  const fault = (list: ReadonlyArray<ListedRole>, by = authority) =>
    faultOfGrants(suite, networkId, by.signing.publicKey, list)
  const first = (change: Partial<ListedRole>): ReadonlyArray<ListedRole> => [{ ...granted[0]!, ...change }]

  it("let each member act in the role for thirty days, and readers not at all", () => {
    assert.deepStrictEqual(
      granted.map(({ grants }) => grants.length),
      [2, 0, 1]
    )
    const scope = authority.signing.publicKey
    const claim: Claim = { authority: scope, scope, subject: keyOf(3), grants: [granted[0]!.grants[1]!] }
    assert.deepStrictEqual(standingOf(claim, NOW + 30 * DAY - 1), Result.succeed({ role: 2, expires: NOW + 30 * DAY }))
    assert.deepStrictEqual(standingOf(claim, NOW + 30 * DAY), Result.fail("Expired"))
    assert.isUndefined(fault(granted))
  })

  it("are the authority's, for these members, in these roles, in this network, or the list is refused", () => {
    const [grants] = [granted[0]!.grants]
    const by = (other: typeof authority) => grantRoles(other, [roles[0]!], NOW)
    assert.match(fault(by(signerOf(9))) ?? "", /developer is not by the authority/)
    assert.match(fault(by(signerOf(1, new Uint8Array(32)))) ?? "", /not signed/)
    assert.match(fault(first({ grants: grants.toReversed() })) ?? "", /somebody or something else/)
    assert.match(fault(first({ level: "master" })) ?? "", /somebody or something else/)
    assert.match(fault(first({ grants: grants.slice(1) })) ?? "", /one for each member/)
    assert.match(fault(first({ level: "read-only" })) ?? "", /one for each member/)
    assert.match(fault(first({ grants: [grants[0]!, new Uint8Array(3)] })) ?? "", /cannot be read/)
    const flipped = grants[1]!.slice()
    flipped[flipped.length - 1]! ^= 1
    assert.match(fault(first({ grants: [grants[0]!, flipped] })) ?? "", /not signed/)
  })

  it("are to be renewed at half of their life", () => {
    assert.isFalse(isRenewalDue(granted, NOW + 15 * DAY - 1))
    assert.isTrue(isRenewalDue(granted, NOW + 15 * DAY))
    assert.isTrue(isRenewalDue([{ ...granted[0]!, grants: [new Uint8Array(1)] }], NOW))
    assert.isFalse(isRenewalDue(grantRoles(authority, [roles[1]!], NOW), NOW + 100 * DAY))
  })
})
