/**
 * Where a node can be reached: a multiaddr, and optionally the peer that is expected there (WIRE.md §1).
 *
 * Only the canonical bytes of a multiaddr are accepted, so that equal addresses have equal bytes and equal text.
 * Addresses of transports that this node does not speak (`kind` "other") are carried along, not refused: another node
 * may speak them. Nothing here throws on input.
 */
import { type Component, multiaddr } from "@multiformats/multiaddr"
import { Result, Schema } from "effect"
import { equalBytes, keyOf } from "#schemas/bytes/bytes"
import { transformation } from "#schemas/bytes/transformation"
import { type NodeId, nodeIdOfText, nodeIdText } from "#schemas/identity/NodeId"

/** Longest address in bytes and in text; a DNS name of 253 with port and peer fits. */
export const ADDRESS_BYTES = 320
export const ADDRESS_TEXT = 400

/** Addresses remembered by their bytes: parsing one costs some 6 µs, and a node meets the same ones again and again. */
const REMEMBERED = 1024

export type AddressKind = "tcp" | "memory" | "other"

/** Made by `readAddress` and `parseAddress` only. */
export class Address {
  /** Canonical multiaddr text and bytes, both without `/p2p/…`. */
  readonly text: string
  readonly bytes: Uint8Array
  readonly kind: AddressKind
  /** IP address, DNS name, or the number of a memory address; empty for a kind without hosts. */
  readonly host: string
  /** 0 where there is none. */
  readonly port: number
  /** Of the IP address; of a DNS name what it asks for, if anything. */
  readonly family: 4 | 6 | undefined
  /** Who is expected there. */
  readonly peer: NodeId | undefined
  #network: string | undefined
  #wideNetwork: string | undefined

  constructor(fields: Pick<Address, "text" | "bytes" | "kind" | "host" | "port" | "family" | "peer">) {
    this.text = fields.text
    this.bytes = fields.bytes
    this.kind = fields.kind
    this.host = fields.host
    this.port = fields.port
    this.family = fields.family
    this.peer = fields.peer
  }

  /**
   * The network that it belongs to, as a map key: the /24 of IPv4, the /48 of IPv6, what one owner usually holds. A name
   * counts as a network of its own: what it resolves to is not known here.
   */
  get network(): string {
    return (this.#network ??= networkOf(this, 3, 6))
  }

  /** The /16 of IPv4, the /32 of IPv6: what one operator's machines usually share. */
  get wideNetwork(): string {
    return (this.#wideNetwork ??= networkOf(this, 2, 4))
  }

  /** The whole address, with `/p2p/…` if a peer is expected. */
  toString(): string {
    return this.peer === undefined ? this.text : withPeer(this, this.peer)
  }
}

/** Codes of the first part of a multiaddr that is an IP address. */
const IP4 = 4
const IP6 = 41

/** So many bytes of an IP address behind its code. */
const networkOf = ({ bytes, host, kind }: Address, of4: number, of6: number): string => {
  if (bytes[0] === IP4) return `4:${keyOf(bytes.subarray(1, 1 + of4))}`
  if (bytes[0] === IP6) return `6:${keyOf(bytes.subarray(1, 1 + of6))}`
  return `${kind}:${host.toLowerCase()}`
}

const remembered = new Map<string, Address>()

/** The address that has exactly these bytes, or the word of refusal. */
export const readAddress = (bytes: Uint8Array): Result.Result<Address, string> => {
  if (bytes.length > ADDRESS_BYTES) return Result.fail("address too long")
  const key = keyOf(bytes)
  const known = remembered.get(key)
  if (known !== undefined) return Result.succeed(known)
  // A copy: the library reads ports from the underlying buffer, and the address outlives the message it came in.
  const read = Result.flatMap(
    attempt(() => multiaddr(bytes.slice()).getComponents()),
    fromComponents
  )
  if (Result.isFailure(read)) return read
  if (!equalBytes(wholeBytes(read.success), bytes)) return Result.fail("not the canonical form")
  if (remembered.size >= REMEMBERED) remembered.delete(remembered.keys().next().value ?? "")
  remembered.set(key, read.success)
  return read
}

/** The address that is written so, or the word of refusal. Text is a person's: spelling variants are normalised. */
export const parseAddress = (text: string): Result.Result<Address, string> => {
  if (text.length > ADDRESS_TEXT) return Result.fail("address too long")
  return Result.flatMap(
    attempt(() => multiaddr(text).getComponents()),
    fromComponents
  )
}

/** `address` as others are told it: ending in `/p2p/<base58btc of 0x12 0x20 ‖ NodeId>`. */
export const withPeer = (address: Address, nodeId: NodeId): string => `${address.text}/p2p/${nodeIdText(nodeId)}`

/** The same place, with this peer expected there. */
export const expecting = (address: Address, peer: NodeId | undefined): Address => new Address({ ...address, peer })

/** With the peer's part, if there is one. */
export const wholeBytes = (address: Address): Uint8Array =>
  address.peer === undefined ? address.bytes : multiaddr(address.toString()).bytes

const P2P = "p2p"
const hosts: Record<string, 4 | 6 | undefined> = { ip4: 4, ip6: 6, dns: undefined, dns4: 4, dns6: 6 }

const fromComponents = (components: ReadonlyArray<Component>): Result.Result<Address, string> => {
  const last = components.at(-1)
  const place = last?.name === P2P ? components.slice(0, -1) : components
  if (place.length === 0) return Result.fail("no address")
  let peer: NodeId | undefined
  if (last?.name === P2P) {
    peer = Result.getOrUndefined(nodeIdOfText(last.value ?? ""))
    if (peer === undefined) return Result.fail("the /p2p/ part is no NodeId")
  }
  return Result.flatMap(
    // Through the text once more: components may hold over-long lengths, other spellings, or less than they declare.
    attempt(() => {
      const spelled = multiaddr([...place].map(({ code, name, value }) => bare(code, name, value))).toString()
      const canonical = multiaddr(spelled)
      // A copy: the library's bytes lie in a pool of 64 KiB, which each address would keep. It makes them when they are
      // asked for, and only then says of some parts that they are none.
      return { text: canonical.toString(), bytes: new Uint8Array(canonical.bytes), parts: canonical.getComponents() }
    }),
    ({ bytes, parts, text }) =>
      text.length > ADDRESS_TEXT || !/^[\x21-\x7e]+$/.test(text)
        ? Result.fail("not printable")
        : locate(parts, text, bytes, peer)
  )
}

const bare = (code: number, name: string, value: string | undefined): Component =>
  value === undefined ? { code, name } : { code, name, value }

const locate = (
  components: ReadonlyArray<Component>,
  text: string,
  bytes: Uint8Array,
  peer: NodeId | undefined
): Result.Result<Address, string> => {
  const [first, second] = components
  const host = first?.value ?? ""
  const common = { text, bytes, peer }
  if (first?.name === "memory") {
    if (components.length !== 1 || !/^(0|[1-9][0-9]{0,14})$/.test(host)) return Result.fail("not a memory address")
    return Result.succeed(new Address({ ...common, kind: "memory", host, port: 0, family: undefined }))
  }
  if (first === undefined || !(first.name in hosts)) {
    return Result.succeed(new Address({ ...common, kind: "other", host: "", port: 0, family: undefined }))
  }
  if (first.name.startsWith("dns") && !/^(?=.{1,253}$)[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*$/.test(host)) {
    return Result.fail("not a DNS name")
  }
  const hasPort = second?.name === "tcp" || second?.name === "udp"
  return Result.succeed(
    new Address({
      ...common,
      kind: components.length === 2 && second?.name === "tcp" ? "tcp" : "other",
      host,
      port: hasPort ? Number(second.value) : 0,
      family: hosts[first.name]
    })
  )
}

/** The library speaks by throwing; whatever it throws, the input is what was wrong. */
const attempt = <A>(parse: () => A): Result.Result<A, string> =>
  Result.try({ try: parse, catch: (cause) => (cause instanceof Error ? cause.message : "not a multiaddr") })

const Instance = Schema.instanceOf(Address)

/** With the `/p2p/…` part, if there is one. */
export const AddressFromText = Schema.String.pipe(Schema.decodeTo(Instance, transformation(parseAddress, String)))
export const AddressFromBytes = Schema.Uint8Array.pipe(
  Schema.decodeTo(Instance, transformation(readAddress, wholeBytes))
)
