/**
 * Makes test/vectors/onion.json, our own vectors of WIRE §4, with the letter-by-letter onion of the tests: noble, and
 * none of the code that they are for. All that is random in them comes from one seed, so it always makes the same file:
 *
 *   node --conditions=allium-source test/vectors/makeOnion.ts > test/vectors/onion.json
 */
import { chacha20 } from "@noble/ciphers/chacha.js"
import { x25519 } from "@noble/curves/ed25519.js"
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js"
import { type NaiveLayer, naiveBuild, naivePeel, naiveReply } from "../core/onion/naiveOnion.ts"

const CELLS = [4_096, 36_864, 65_408] as const
const hex = bytesToHex
const zeros = (count: number) => new Uint8Array(count)

/** The key stream of ChaCha20 under SHA-256 of a text, from block 0 with a nonce of zeros. */
export const stream = (text: string, count: number): Uint8Array =>
  chacha20(sha256(utf8ToBytes(text)), zeros(12), zeros(count))

const pieces = (text: string) => {
  const all = stream(text, 16_384)
  let at = 0
  return (count: number) => all.slice(at, (at += count))
}

export interface VectorHop {
  readonly nodeId: string
  /** Secret and public half of the onion key, and of the layer's ephemeral key. */
  readonly secret: string
  readonly onion: string
  readonly ephemeral: string
  readonly ephemeralPublic: string
  readonly nonce: string
  readonly addrKind: number
  readonly ip: string
  readonly port: number
  readonly delay: number
  /** What this hop reads, as it is before it is sealed. */
  readonly header: string
  /** SHA-256 of the cell as it reaches this hop. */
  readonly cell: string
}

interface Common {
  readonly name: string
  readonly cellClass: 0 | 1 | 2
  readonly ttl: number
  /** Without what is random to the end: that is the key stream under SHA-256 of `padding`. */
  readonly payload: string
  readonly padding: string
  readonly path: ReadonlyArray<VectorHop>
  /** The slots that no hop has, as they stand in the last hop's stack. */
  readonly unused: string
}

export interface RequestVector extends Common {
  readonly handTo?: string
  /** The whole cell as it reaches the first hop. */
  readonly first?: string
}

export interface ReplyVector extends Common {
  readonly id: string
  readonly replyKey: string
  readonly block: string
  /** The first 32 bytes of what each relay masks the body with. */
  readonly masks: string
}

interface Shape {
  readonly name: string
  readonly cellClass: 0 | 1 | 2
  /** The recipient, or the requester itself, as the last. */
  readonly hops: number
  readonly ttl: number
  readonly payload: Uint8Array
}

type Hop = Omit<VectorHop, "header" | "cell">

const hopsOf = (draw: (count: number) => Uint8Array, count: number): ReadonlyArray<Hop> =>
  Array.from({ length: count }, (_, index) => {
    const [nodeId, secret, ephemeral, nonce] = [draw(32), draw(32), draw(32), draw(12)]
    const addrKind = index
    const ip = draw(addrKind === 0 ? 0 : addrKind % 2 === 1 ? 4 : 16)
    return {
      nodeId: hex(nodeId),
      secret: hex(secret),
      onion: hex(x25519.getPublicKey(secret)),
      ephemeral: hex(ephemeral),
      ephemeralPublic: hex(x25519.getPublicKey(ephemeral)),
      nonce: hex(nonce),
      addrKind,
      ip: hex(ip),
      port: addrKind === 0 ? 0 : 4_150 + index,
      delay: index * 250
    }
  })

type Next = Pick<Hop, "addrKind" | "port" | "ip" | "nodeId">

/** Flags: 1 deliver_local, 2 reply, 4 has next_hop. */
const headerOf = (flags: number, ttl: number, delay: number, next: Next | undefined, tag: Uint8Array): Uint8Array => {
  const bytes = zeros(80)
  const view = new DataView(bytes.buffer)
  bytes.set([flags | (next === undefined ? 0 : 4), next?.addrKind ?? 0])
  view.setUint16(2, ttl)
  view.setUint16(4, delay)
  view.setUint16(6, next?.port ?? 0)
  bytes.set(hexToBytes(next?.ip ?? ""), 8)
  bytes.set(hexToBytes(next?.nodeId ?? ""), 24)
  bytes.set(tag, 56)
  return bytes
}

const layersOf = (hops: ReadonlyArray<Hop>, headers: ReadonlyArray<Uint8Array>): ReadonlyArray<NaiveLayer> =>
  hops.map((hop, index) => ({
    onion: hexToBytes(hop.onion),
    ephemeral: hexToBytes(hop.ephemeral),
    nonce: hexToBytes(hop.nonce),
    header: headers[index]!
  }))

/** Sends the cell on its way and notes what each hop sees. */
const travelled = (hops: ReadonlyArray<Hop>, first: Uint8Array): ReadonlyArray<VectorHop> => {
  let cell = first
  return hops.map((hop) => {
    const { header, next } = naivePeel(hexToBytes(hop.secret), cell)
    const seen = { ...hop, header: hex(header), cell: hex(sha256(cell)) }
    cell = next
    return seen
  })
}

const request = ({ cellClass, hops: count, name, payload, ttl }: Shape, isHanded = false): RequestVector => {
  const draw = pieces(`allium onion vector ${name}`)
  const hops = hopsOf(draw, count)
  const handTo = isHanded ? draw(32) : undefined
  const last = handTo === undefined ? undefined : { addrKind: 0, port: 0, ip: "", nodeId: hex(handTo) }
  const headers = hops.map((hop, index) =>
    index === count - 1
      ? headerOf(1, ttl, hop.delay, last, zeros(16))
      : headerOf(0, ttl, hop.delay, hops[index + 1], zeros(16))
  )
  const unused = draw((5 - count) * 140)
  const padding = `allium onion padding ${name}`
  const body = concatBytes(payload, stream(padding, CELLS[cellClass] - 700 - payload.length))
  const first = naiveBuild(layersOf(hops, headers), unused, body)
  return {
    name,
    cellClass,
    ttl,
    payload: hex(payload),
    padding,
    path: travelled(hops, first),
    unused: hex(unused),
    ...(handTo === undefined ? undefined : { handTo: hex(handTo) }),
    ...(cellClass === 0 ? { first: hex(first) } : undefined)
  }
}

const reply = ({ cellClass, hops: count, name, payload, ttl }: Shape): ReplyVector => {
  const draw = pieces(`allium onion vector ${name}`)
  const hops = hopsOf(draw, count)
  const [id, replyKey] = [draw(16), draw(32)]
  const headers = hops.map((hop, index) =>
    index === count - 1
      ? headerOf(3, ttl, hop.delay, undefined, id)
      : headerOf(2, ttl, hop.delay, hops[index + 1], zeros(16))
  )
  const unused = draw((5 - count) * 140)
  const stack = naiveBuild(layersOf(hops, headers), unused)
  const padding = `allium onion padding ${name}`
  const text = concatBytes(payload, stream(padding, CELLS[cellClass] - 700 - 16 - payload.length))
  const first = naiveReply(stack, replyKey, text)
  const { addrKind, ip, nodeId, port } = hops[0]!
  const address = concatBytes(Uint8Array.of(addrKind, port >> 8, port & 255), hexToBytes(ip), zeros(16 - ip.length / 2))
  const head = concatBytes(Uint8Array.of(1, cellClass, ttl >> 8, ttl & 255), address, hexToBytes(nodeId))
  return {
    name,
    cellClass,
    ttl,
    payload: hex(payload),
    padding,
    path: travelled(hops, first),
    unused: hex(unused),
    id: hex(id),
    replyKey: hex(replyKey),
    block: hex(concatBytes(head, replyKey, stack, zeros(8))),
    masks: masksOf(hops.slice(0, -1), first)
  }
}

const masksOf = (relays: ReadonlyArray<Hop>, first: Uint8Array): string => {
  let cell = first
  return relays
    .map((hop) => {
      const { next } = naivePeel(hexToBytes(hop.secret), cell)
      const mask = next.slice(700, 732).map((byte, index) => byte ^ cell[700 + index]!)
      cell = next
      return hex(mask)
    })
    .join("")
}

/** message_id ‖ part ‖ parts ‖ part_len ‖ InnerEnvelope ‖ blocks. */
const payloadOf = (text: string, envelope: Uint8Array, part = 0, parts = 1): Uint8Array => {
  const head = Uint8Array.of(part, parts, 0, 0, envelope.length >> 8, envelope.length & 255)
  return concatBytes(stream(text, 16), head, envelope, zeros(1))
}

const ack = concatBytes(Uint8Array.of(7, 0), stream("an id", 16))
const rpc = concatBytes(Uint8Array.of(4, 0, 0), utf8ToBytes("a request"))
const welcome = concatBytes(Uint8Array.of(3, 1), stream("a channel", 32), utf8ToBytes("a welcome"))

export const makeVectors = () => ({
  note: "made by test/vectors/makeOnion.ts; see README.md",
  requests: [
    request({ name: "to the recipient itself", cellClass: 0, hops: 1, ttl: 1, payload: payloadOf("a", rpc) }),
    request({ name: "over three relays", cellClass: 0, hops: 4, ttl: 0x1234, payload: payloadOf("b", rpc) }),
    request({ name: "over four relays", cellClass: 0, hops: 5, ttl: 65_535, payload: payloadOf("c", rpc, 1, 8) }),
    request({ name: "handed to a peer", cellClass: 0, hops: 3, ttl: 7, payload: payloadOf("d", welcome) }, true),
    request({ name: "of class 1", cellClass: 1, hops: 4, ttl: 8, payload: payloadOf("e", rpc) }),
    request({ name: "of class 2", cellClass: 2, hops: 4, ttl: 9, payload: payloadOf("f", rpc) })
  ],
  replies: [
    reply({ name: "from the requester's own guard", cellClass: 0, hops: 2, ttl: 10, payload: payloadOf("g", ack) }),
    reply({ name: "back over three relays", cellClass: 0, hops: 4, ttl: 11, payload: payloadOf("h", ack) }),
    reply({ name: "back in class 2", cellClass: 2, hops: 4, ttl: 12, payload: payloadOf("i", rpc) })
  ]
})

if (import.meta.main) console.log(JSON.stringify(makeVectors(), undefined, 1))
