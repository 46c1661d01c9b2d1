/** What a node that does not keep the protocol runs in the place of a part that does. */
import type { Layer } from "effect"
import type { ServerNeeds } from "#layers/node/parts"
import type { Behaviour } from "#schemas/simulation/Fault"
import type { MakeCarrier } from "../watchedCells.ts"
import * as dropping from "./dropping.ts"
import * as echoing from "./echoing.ts"
import * as flooding from "./flooding.ts"
import * as forging from "./forging.ts"
import * as lying from "./lying.ts"
import * as replaying from "./replaying.ts"
import * as selfish from "./selfish.ts"
import * as silent from "./silent.ts"
import * as spoiling from "./spoiling.ts"

export interface Misbehaving {
  /** Answers the DHT's requests in the place of DhtServer. */
  readonly server?: Layer.Layer<never, never, ServerNeeds>
  /** Has its way with the cells of onions. */
  readonly carrier?: MakeCarrier
}

const all: Record<Behaviour, Misbehaving> = {
  silent: { server: silent.layer },
  selfish: { server: selfish.layer },
  lying: { server: lying.layer },
  forging: { server: forging.layer },
  flooding: { server: flooding.layer },
  replaying: { server: replaying.layer },
  echoing: { carrier: echoing.carrier },
  spoiling: { carrier: spoiling.carrier },
  dropping: { carrier: dropping.carrier }
}

export const misbehaving = (behaviour: Behaviour): Misbehaving => all[behaviour]
