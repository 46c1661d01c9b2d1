/** Listening "everywhere" is listening at each address of this machine's interfaces: what others can be told. */
import { networkInterfaces } from "node:os"
import { Result } from "effect"
import { type Address, parseAddress } from "#schemas/transport/Address"

const ANYWHERE = new Set(["0.0.0.0", "::"])

/** The concrete addresses, loopback last; an address that is concrete already stays as it is. */
export const concrete = (address: Address): ReadonlyArray<Address> => {
  if (address.kind !== "tcp" || !ANYWHERE.has(address.host)) return [address]
  const family = address.family === 6 ? "IPv6" : "IPv4"
  return Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter((entry) => entry.family === family && (entry.scopeid ?? 0) === 0) // link-local ones need a zone
    .sort((a, b) => Number(a.internal) - Number(b.internal))
    .flatMap((entry) => {
      const parsed = parseAddress(`/ip${address.family ?? 4}/${entry.address}/tcp/${address.port}`)
      return Result.isSuccess(parsed) ? [parsed.success] : []
    })
}
