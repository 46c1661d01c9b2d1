/** Whether this node keeps and answers for others at present (DESIGN.md §6, modes client, server and auto). */
import { Context } from "effect"
import type { ServingMode } from "./Membership.ts"

export class Serving extends Context.Service<
  Serving,
  {
    /** With `auto` it may change while the node runs. */
    readonly mode: () => ServingMode
  }
>()("allium/services/dht/Serving") {}
