/** Tells the steps of a story, each on a line of its own with the time that it took. */
import { Duration, Effect } from "effect"
import { cidText } from "#schemas/content/Cid"
import type { BlobReceipt } from "#services/content/Blobs"
import type { LocalNode } from "./localNetwork.ts"
import { duration, paintOut, say, sayJson } from "./output.ts"

export interface Told {
  readonly text: string
  readonly data: object
}

export interface Teller {
  readonly line: (step: string, told: Told, milliseconds?: number) => Effect.Effect<void>
  /** Runs a step and tells it with the time that it took. */
  readonly timed: <A, E, R>(
    step: string,
    effect: Effect.Effect<A, E, R>,
    tell: (value: A) => Told
  ) => Effect.Effect<A, E, R>
  readonly stayUp: (node: LocalNode, receipt: BlobReceipt) => Effect.Effect<void>
}

export const teller = (json: boolean): Teller => {
  const line: Teller["line"] = (step, { text, data }, milliseconds) => {
    const time = milliseconds === undefined ? {} : { milliseconds: Math.round(milliseconds) }
    if (json) return sayJson({ step, ...data, ...time })
    const column = (milliseconds === undefined ? "" : duration(milliseconds)).padStart(9)
    return say(`${paintOut.dim(column)}  ${text}`)
  }
  return {
    line,
    timed: (step, effect, told) =>
      Effect.flatMap(Effect.timed(effect), ([took, value]) =>
        Effect.as(line(step, told(value), Duration.toMillis(took)), value)
      ),
    stayUp: (node, receipt) =>
      json
        ? sayJson({ step: "up", node: node.name, folder: node.folder, control: node.control })
        : say(
            [
              "",
              "The network stays up until Ctrl-C. From another terminal in this folder:",
              `  npx --no-install allium get ${cidText(receipt.cid)} -o copy --data ${node.folder}`,
              `  npx --no-install allium explain ${cidText(receipt.cid)} --data ${node.folder}`,
              `  npx --no-install allium set greeting "hello again" --data ${node.folder}`,
              `  npx --no-install allium status --data ${node.folder}`
            ].join("\n")
          )
  }
}
