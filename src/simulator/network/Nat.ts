/**
 * A home router before one machine, as plain state: which outside port a message leaves from, and what it lets in.
 *
 * The old names stand for pairs of RFC 4787, which tells mapping (section 4.1) from filtering (section 5):
 *
 *   kind                mapping                      filtering
 *   none                no router: ports pass as they are, everything comes in
 *   full-cone           endpoint-independent         endpoint-independent
 *   address-restricted  endpoint-independent         address-dependent
 *   port-restricted     endpoint-independent         address and port-dependent
 *   symmetric           address and port-dependent   address and port-dependent
 *
 * Only what goes out keeps a mapping alive (REQ-6). With endpoint-independent mapping the outside port is the inside
 * one, as most home routers choose it; a symmetric router takes the next free one, which nobody outside can know.
 */
export type NatKind = "none" | "full-cone" | "address-restricted" | "port-restricted" | "symmetric"

/** Milliseconds that a mapping stays after its last use: the least that REQ-5 allows. */
export const MAPPING_LASTS = 120_000
/** Mappings of one router, and destinations of one mapping. The one that was unused for longest makes room. */
export const MOST_MAPPINGS = 4_096
/** Of a symmetric router: below lie the ports of well-known services. */
const FIRST_PORT = 1_024
const PORTS = 65_536 - FIRST_PORT

interface Mapping {
  readonly name: string
  readonly inside: number
  readonly outside: number
  /** When it was last used; `now` of the last `outbound`. */
  used: number
  /** Where it was used towards, and when last: what filtering asks for. In the order of their use. */
  readonly towards: Map<string, number>
}

export class Nat {
  readonly kind: NatKind
  /** In the order of their use, so that the first is the one to go. */
  readonly #mappings = new Map<string, Mapping>()
  readonly #byOutside = new Map<number, Mapping>()
  #next = 0

  constructor(kind: NatKind) {
    this.kind = kind
  }

  /** Mappings that are held, dead ones included until somebody asks for them. */
  get size(): number {
    return this.#mappings.size
  }

  /** The outside port that a message leaves from; makes the mapping, or keeps it alive. `now` in milliseconds. */
  outbound(insidePort: number, toHost: string, toPort: number, now: number): number {
    if (this.kind === "none") return insidePort
    const name = this.kind === "symmetric" ? `${insidePort}>${toHost}:${toPort}` : `${insidePort}`
    const known = this.#mappings.get(name)
    if (known !== undefined) this.#forget(known)
    const mapping = known !== undefined && alive(known.used, now) ? known : this.#open(name, insidePort)
    mapping.used = now
    this.#mappings.set(name, mapping)
    this.#byOutside.set(mapping.outside, mapping)
    if (this.kind !== "full-cone") remember(mapping.towards, this.#remote(toHost, toPort), now)
    return mapping.outside
  }

  /** The inside port of a message that arrives, if it is let in. */
  inbound(outsidePort: number, fromHost: string, fromPort: number, now: number): number | undefined {
    if (this.kind === "none") return outsidePort
    const mapping = this.#byOutside.get(outsidePort)
    if (mapping === undefined) return undefined
    if (!alive(mapping.used, now)) {
      this.#forget(mapping)
      return undefined
    }
    if (this.kind === "full-cone") return mapping.inside
    const used = mapping.towards.get(this.#remote(fromHost, fromPort))
    return used !== undefined && alive(used, now) ? mapping.inside : undefined
  }

  /** What filtering knows a stranger by. */
  #remote(host: string, port: number): string {
    return this.kind === "address-restricted" ? host : `${host}:${port}`
  }

  #open(name: string, inside: number): Mapping {
    if (this.#mappings.size >= MOST_MAPPINGS) {
      for (const oldest of this.#mappings.values()) {
        this.#forget(oldest)
        break
      }
    }
    const outside = this.kind === "symmetric" ? this.#freePort() : inside
    return { name, inside, outside, used: 0, towards: new Map() }
  }

  /** There are more ports than mappings, so one is free. */
  #freePort(): number {
    let port = FIRST_PORT + this.#next
    do {
      port = FIRST_PORT + this.#next
      this.#next = (this.#next + 1) % PORTS
    } while (this.#byOutside.has(port))
    return port
  }

  #forget(mapping: Mapping): void {
    this.#mappings.delete(mapping.name)
    this.#byOutside.delete(mapping.outside)
  }
}

const alive = (used: number, now: number): boolean => now - used <= MAPPING_LASTS

const remember = (towards: Map<string, number>, remote: string, now: number): void => {
  towards.delete(remote)
  if (towards.size >= MOST_MAPPINGS) {
    for (const oldest of towards.keys()) {
      towards.delete(oldest)
      break
    }
  }
  towards.set(remote, now)
}
