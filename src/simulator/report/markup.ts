/** Markup as a template: whatever is put in is text, unless it is markup itself. */

export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Part = Markup | string | number | ReadonlyArray<Markup>

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" }

const written = (part: Part): string => {
  if (part instanceof Markup) return part.text
  if (typeof part === "object") return part.map(written).join("")
  return String(part).replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? "")
}

export const markup = (fixed: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Markup =>
  new Markup(fixed.reduce((text, piece, index) => text + written(parts[index - 1] ?? "") + piece))

export const NOTHING = new Markup("")
