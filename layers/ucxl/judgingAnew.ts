/**
 * A refusal that follows from the list of roles is only as good as the list: before it is said, this node looks whether
 * there is a newer one, and judges anew by that.
 */
import { Effect, Option } from "effect"
import type { RoleDirectory } from "#services/ucxl/RoleDirectory"

/** Of these tags a newer list may think otherwise; `Tampered` only where it is about the author. */
const ABOUT_ROLES = new Set(["UnknownRole", "Denied"])

const isAboutRoles = (error: unknown): boolean => {
  if (typeof error !== "object" || error === null || !("_tag" in error)) return false
  if (error._tag === "Tampered") return "what" in error && error.what === "Author"
  return ABOUT_ROLES.has(String(error._tag))
}

/**
 * Runs the task again where it was refused by a list that is behind. Nothing has been done by then: who may not is told
 * before a byte of the content is read.
 */
export const judgingAnew =
  ({ current, isBehind }: RoleDirectory["Service"]) =>
  <A, E>(task: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.flatMap(Effect.option(current), (list) =>
      Option.isNone(list)
        ? task
        : Effect.catchIf(task, isAboutRoles, (error) =>
            Effect.flatMap(isBehind(list.value.seq), (isNewer) => (isNewer ? task : Effect.fail(error)))
          )
    )
