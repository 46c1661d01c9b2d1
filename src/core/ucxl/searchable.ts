/** The words of a content, where it is text. */

const TEXTUAL = /^(?:text\/|application\/(?:json|xml|toml|yaml|x-yaml|javascript|sql)\b|[^;]*\+(?:json|xml)\b)/i

const decoder = new TextDecoder("utf-8", { fatal: true })

/** Undefined for what is no text by its type, is not UTF-8, or has more than `limit` bytes. */
export const searchableText = (contentType: string, content: Uint8Array, limit: number): string | undefined => {
  if (content.length > limit || !TEXTUAL.test(contentType)) return undefined
  try {
    return decoder.decode(content)
  } catch {
    return undefined
  }
}
