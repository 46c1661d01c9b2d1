/** Who is connected, and which topics each of them has joined, looked up both ways. Bounded by topics a neighbour. */

export interface Neighbour {
  readonly key: string
  /** This node dialled it, so it is not somebody who came to surround this node. */
  readonly dialled: boolean
  readonly topics: ReadonlySet<string>
}

interface Known extends Neighbour {
  /** Nothing until it joins a topic: most neighbours join none. */
  topics: Set<string>
}

const NOTHING: Set<string> = new Set()

export class Neighbours {
  readonly #limit: number
  readonly #all = new Map<string, Known>()
  readonly #byTopic = new Map<string, Set<string>>()

  /** `limit`: topics of a neighbour. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#all.size
  }

  /** Topics of the one that has most. */
  mostTopics(): number {
    let most = 0
    for (const { topics } of this.#all.values()) most = Math.max(most, topics.size)
    return most
  }

  keys(): IterableIterator<string> {
    return this.#all.keys()
  }

  find(key: string): Neighbour | undefined {
    return this.#all.get(key)
  }

  enter(key: string, dialled: boolean): void {
    if (!this.#all.has(key)) this.#all.set(key, { key, dialled, topics: NOTHING })
  }

  /** Answers the topics that it had joined. */
  leave(key: string): ReadonlySet<string> {
    const topics = this.#all.get(key)?.topics ?? NOTHING
    for (const topic of topics) this.#remove(key, topic)
    this.#all.delete(key)
    return topics
  }

  /** False when it has as many topics as it may. */
  joined(key: string, topic: string): boolean {
    const neighbour = this.#all.get(key)
    if (neighbour === undefined || neighbour.topics.has(topic)) return true
    if (neighbour.topics.size >= this.#limit) return false
    if (neighbour.topics === NOTHING) neighbour.topics = new Set([topic])
    else neighbour.topics.add(topic)
    const others = this.#byTopic.get(topic)
    if (others === undefined) this.#byTopic.set(topic, new Set([key]))
    else others.add(key)
    return true
  }

  left(key: string, topic: string): void {
    if (this.#all.get(key)?.topics.delete(topic) === true) this.#remove(key, topic)
  }

  of(topic: string): ReadonlySet<string> {
    return this.#byTopic.get(topic) ?? NOTHING
  }

  has(key: string, topic: string): boolean {
    return this.#all.get(key)?.topics.has(topic) ?? false
  }

  #remove(key: string, topic: string): void {
    const others = this.#byTopic.get(topic)
    others?.delete(key)
    if (others?.size === 0) this.#byTopic.delete(topic)
  }
}
