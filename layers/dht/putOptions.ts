/** What somebody asks for with a put, within what there can be. */
import type { PutOptions } from "#services/dht/Dht"
import { MOST_REPLICAS } from "#services/dht/Limits"

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(Math.trunc(value), least), most)

/** Seconds; the longest life there is where nothing is asked for. */
export const lifetimeFor = ({ lifetime }: PutOptions, most: number): number =>
  clamp(lifetime ?? most, 1, Math.max(1, most))

/** Replicas; `usual` where nothing is asked for. */
export const factorFor = ({ factor }: PutOptions, usual: number): number => clamp(factor ?? usual, 1, MOST_REPLICAS)
