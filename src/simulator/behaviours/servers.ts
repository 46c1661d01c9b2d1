/** What stands in the place of DhtServer in a node that does not keep the protocol. */
import type { Layer } from "effect"
import type { ServerNeeds } from "#layers/node/parts"
import type { Behaviour } from "#schemas/simulation/Fault"
import * as flooding from "./flooding.ts"
import * as forging from "./forging.ts"
import * as lying from "./lying.ts"
import * as replaying from "./replaying.ts"
import * as selfish from "./selfish.ts"
import * as silent from "./silent.ts"

const servers: Record<Behaviour, Layer.Layer<never, never, ServerNeeds>> = {
  silent: silent.layer,
  selfish: selfish.layer,
  lying: lying.layer,
  forging: forging.layer,
  flooding: flooding.layer,
  replaying: replaying.layer
}

export const serverOf = (behaviour: Behaviour): Layer.Layer<never, never, ServerNeeds> => servers[behaviour]
