/**
 * Messages to everyone who has joined a topic, spread from neighbour to neighbour (DESIGN.md §8, WIRE.md §6).
 *
 * It works among the sessions that there are and opens none: whoever wants a topic sees to it that some of its
 * subscribers are neighbours. A message that was accepted arrives at most once and perhaps not at all, without order;
 * what must not be missed has to be fetched by other means.
 */
import { Context, type Effect, type Queue, Schema, type Scope } from "effect"
import type { Contact } from "#core/identity/Contact"
import type { SigningKey } from "#core/identity/Suite"
import type { Topic } from "#schemas/gossip/GossipMessage"
import type { PublicKey } from "#schemas/identity/PublicKey"

/** The message is above 60 KiB. Publish a link to the data instead. */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { bytes: Schema.Int, limit: Schema.Int }) {}

/** This node takes part in as many topics as neighbours accept of one; leave another first. */
export class TooManyTopics extends Schema.TaggedError<TooManyTopics>()("TooManyTopics", { limit: Schema.Int }) {}

/** This node has not joined the topic, and no neighbour has: nobody would get the message. */
export class NotJoined extends Schema.TaggedError<NotJoined>()("NotJoined", {}) {}

/** A message as it arrived, its signature verified; the bytes are the receiver's to keep. */
export interface Received {
  /** SHA-256 of the whole message. */
  readonly id: Uint8Array
  readonly topic: Topic
  /** The key that signed it: the author's, or one that he uses under this topic. */
  readonly author: PublicKey
  /** Unix milliseconds, as the author says: within 90 s. */
  readonly issued: number
  readonly data: Uint8Array
  /** The neighbour that brought it. */
  readonly from: Contact
}

/**
 * `reject` is for what no honest node would have passed on: it counts against the neighbour, and three of them silence
 * it. What may depend on what this node happens to know is to be ignored.
 */
export type Verdict = "accept" | "ignore" | "reject"

/**
 * Judges a message before it is delivered and passed on. Best an `Effect.succeed`, which costs no fiber; one that has to
 * wait has `ValidateWithin` and is ignored after that. A defect is logged, and the message ignored.
 */
export type Validator = (message: Received) => Effect.Effect<Verdict>

export interface Published {
  readonly id: Uint8Array
  /** Neighbours that it was handed to. With none, it is kept for those who come within the next heartbeats. */
  readonly neighbours: number
}

export interface PublishOptions {
  /** Signs in place of the node's own key, so that the topic does not learn who publishes. */
  readonly author?: SigningKey
}

export interface TopicPeer {
  readonly contact: Contact
  readonly inMesh: boolean
  readonly score: number
}

export interface GossipStats {
  readonly topics: number
  readonly neighbours: number
  /** Of all meshes together. */
  readonly members: number
  /** Messages that were new and accepted, that were known already, and that were refused or ignored. */
  readonly accepted: number
  readonly known: number
  readonly refused: number
  /** Accepted messages that a full subscriber did not get. */
  readonly dropped: number
}

export class Gossip extends Context.Service<
  Gossip,
  {
    /**
     * Takes part in a topic until the scope closes, and answers the queue of its accepted messages, own ones excepted.
     * Whoever is `SUBSCRIBER_QUEUE` messages behind misses the newest. Where one topic is joined several times, a
     * message has to be accepted by all validators.
     */
    readonly join: (
      topic: Topic,
      validator: Validator
    ) => Effect.Effect<Queue.Dequeue<Received>, TooManyTopics, Scope.Scope>
    /**
     * Signs the data and hands it to the neighbours; waits where more is published than `PUBLISH_RATE`. Works also in a
     * topic that is not joined, as long as a neighbour has joined it.
     */
    readonly publish: (
      topic: Topic,
      data: Uint8Array,
      options?: PublishOptions
    ) => Effect.Effect<Published, TooLarge | NotJoined>
    /** The neighbours that have joined a topic. */
    readonly peers: (topic: Topic) => ReadonlyArray<TopicPeer>
    /** How a neighbour stands, by `contact.key`; also one that left with a bad score. */
    readonly scoreOf: (key: string) => number
    readonly stats: () => GossipStats
  }
>()("allium/services/gossip/Gossip") {}
