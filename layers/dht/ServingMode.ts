/** Keeps the mode that the node was started in. */
import { Layer } from "effect"
import { Serving } from "#services/dht/Serving"

export interface ServingOptions {
  readonly serves: boolean
}

export const layer = ({ serves }: ServingOptions) =>
  Layer.succeed(Serving, { mode: () => (serves ? "server" : "client") })
