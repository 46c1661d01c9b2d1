/** What nodes know of each other is signed, and does not outlive the others for long. */
import { Context } from "effect"
import { K } from "#core/dht/BucketTable"
import { networkIdOf, verifyRecord } from "#core/identity/signature"
import { PEER_LABEL } from "#core/identity/signPeerRecord"
import { suite } from "#layers/identity/NodeCrypto"
import { bytesOfKey } from "#schemas/bytes/bytes"
import { SIGNATURE_INDEX } from "#schemas/identity/PeerRecord"
import { RoutingTable } from "#services/dht/RoutingTable"
import { NETWORK } from "../nodeLayer.ts"
import type { Invariant } from "./Invariant.ts"

/** Minutes: 45 until a contact is verified again (120 if calm), and ten for three failed tries one after the other. */
const DEAD_FOR = { production: 55, calm: 130 } as const

export const deadLeave: Invariant = {
  name: "dead-leave",
  sentence: `No routing table holds a node that has been dead for ${DEAD_FOR.production} minutes (${DEAD_FOR.calm} at a calm tempo).`,
  every: 300,
  check: function* (simulation) {
    const limit = simulation.world.time.now - DEAD_FOR[simulation.plan.tempo] * 60_000
    const dead = new Map(
      simulation.world.nodes.flatMap((node) =>
        node.program === undefined && node.runs > 0 && node.endedAt < limit && node.id !== undefined
          ? [[node.id, node] as const]
          : []
      )
    )
    if (dead.size === 0) return
    for (const node of simulation.willing) {
      if (node.startedAt > limit || node.wokeAt > limit || node.services === undefined) continue
      for (const { contact } of Context.get(node.services, RoutingTable).list()) {
        const gone = dead.get(contact.key)
        if (gone === undefined) continue
        const minutes = Math.round((simulation.world.time.now - gone.endedAt) / 60_000)
        yield `the table of node ${node.number} holds node ${gone.number}, dead for ${minutes} minutes`
      }
    }
  }
}

/** Tables in which each look searches for those who wait: one row of them after the other. */
const SEARCHED = 30

export const placesAreFilled: Invariant = {
  name: "places-are-filled",
  sentence: "Nobody waits for a place in a bucket of a routing table that has one.",
  every: 300,
  check: function* (simulation) {
    const { willing } = simulation
    const look = Math.floor(simulation.world.time.now / 300_000)
    const from = willing.length === 0 ? 0 : (look * SEARCHED) % willing.length
    for (const node of [...willing.slice(from), ...willing.slice(0, from)].slice(0, SEARCHED)) {
      if (node.services === undefined) continue
      const table = Context.get(node.services, RoutingTable)
      const live = new Map<number, number>()
      for (const { contact } of table.list()) {
        const bucket = table.bucketOf(contact.nodeId)
        live.set(bucket, (live.get(bucket) ?? 0) + 1)
      }
      for (const other of simulation.world.nodes) {
        if (other.id === undefined || table.whereabouts(other.id)?.standing !== "waiting") continue
        const bucket = table.bucketOf(bytesOfKey(other.id))
        const places = K - (live.get(bucket) ?? 0)
        if (places > 0) yield `node ${other.number} waits at node ${node.number}, where ${places} places are free`
      }
    }
  }
}

const networkId = networkIdOf(suite, NETWORK)
/** Contacts whose signature was looked at: they are shared by all nodes, and do not change. */
const sound = new WeakSet<object>()

export const contactsAreSigned: Invariant = {
  name: "contacts-are-signed",
  sentence: "Every contact that a node knows is as its own key has signed it.",
  every: 120,
  check: function* (simulation) {
    const { unsigned } = simulation.world.contacts
    if (unsigned.length > 0) yield `${unsigned.length} contacts that were not signed have been taken for verified`
    for (const node of simulation.willing) {
      if (node.services === undefined) continue
      for (const { contact } of Context.get(node.services, RoutingTable).list()) {
        if (sound.has(contact)) continue
        if (verifyRecord(suite, PEER_LABEL, networkId, contact.publicKey, contact.bytes, SIGNATURE_INDEX)) {
          sound.add(contact)
        } else yield `the table of node ${node.number} holds a contact that is not signed`
      }
    }
  }
}
