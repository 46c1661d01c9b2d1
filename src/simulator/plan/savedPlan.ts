/** A plan as the content of a file: to keep one that failed, to change it by hand and to run it again. */
import { Result, Schema, SchemaIssue } from "effect"
import { Plan } from "#schemas/simulation/Plan"

/** What is written there is no plan. `field` is where it is wrong, as `faults[3].fault.node`; empty for all of it. */
export class PlanUnreadable extends Schema.TaggedError<PlanUnreadable>()("PlanUnreadable", {
  field: Schema.String,
  reason: Schema.String
}) {
  override get message(): string {
    return this.field === "" ? `this is no plan: ${this.reason}` : `${this.field} of the plan is wrong: ${this.reason}`
  }
}

const encode = Schema.encodeSync(Plan)
const decode = Schema.decodeUnknownResult(Plan, { onExcessProperty: "error" })
const format = SchemaIssue.makeFormatterStandardSchemaV1()

const parse = (text: string): Result.Result<unknown, PlanUnreadable> =>
  Result.try({
    try: (): unknown => JSON.parse(text),
    catch: (cause) => new PlanUnreadable({ field: "", reason: cause instanceof Error ? cause.message : String(cause) })
  })

export const readPlan = (text: string): Result.Result<Plan, PlanUnreadable> =>
  Result.flatMap(parse(text), (value) => Result.mapError(decode(value), ({ issue }) => unreadable(issue)))

/** One fault a line: a plan has thousands, and what differs between two is to be seen. */
export const writePlan = (plan: Plan): string => {
  const { faults, ...rest } = encode(plan)
  const lines = faults.map((fault) => `    ${JSON.stringify(fault)}`)
  const list = lines.length === 0 ? "[]" : `[\n${lines.join(",\n")}\n  ]`
  return `${JSON.stringify(rest, undefined, 2).slice(0, -2)},\n  "faults": ${list}\n}\n`
}

const unreadable = (issue: SchemaIssue.Issue): PlanUnreadable => {
  const [first] = format(issue).issues
  return new PlanUnreadable({ field: fieldOf(first?.path ?? []), reason: first?.message ?? "not a plan" })
}

type Path = NonNullable<ReturnType<typeof format>["issues"][number]["path"]>

const fieldOf = (path: Path): string =>
  path.reduce<string>((field, step) => {
    const key = typeof step === "object" ? step.key : step
    return typeof key === "number" ? `${field}[${key}]` : `${field}${field === "" ? "" : "."}${String(key)}`
  }, "")
