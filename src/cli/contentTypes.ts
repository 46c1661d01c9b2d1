/** What kind of content a file is likely to be, by the end of its name. */

const TYPES: Readonly<Record<string, string>> = {
  md: "text/markdown",
  markdown: "text/markdown",
  txt: "text/plain",
  log: "text/plain",
  csv: "text/csv",
  html: "text/html",
  htm: "text/html",
  css: "text/css",
  xml: "application/xml",
  json: "application/json",
  toml: "application/toml",
  yaml: "application/yaml",
  yml: "application/yaml",
  sql: "application/sql",
  js: "text/javascript",
  mjs: "text/javascript",
  ts: "text/plain",
  py: "text/plain",
  rs: "text/plain",
  go: "text/plain",
  sh: "text/plain",
  diff: "text/plain",
  patch: "text/plain",
  pdf: "application/pdf",
  zip: "application/zip",
  gz: "application/gzip",
  tar: "application/x-tar",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  svg: "image/svg+xml",
  webp: "image/webp",
  mp3: "audio/mpeg",
  mp4: "video/mp4",
  webm: "video/webm"
}

/** Of bytes of which nothing is known (RFC 2046, section 4.5.1). */
const UNKNOWN = "application/octet-stream"

/** What comes from the standard input has no name, and is text more often than not. */
export const contentTypeOf = (file: string): string => {
  if (file === "-") return "text/plain"
  const end = /\.([^./\\]+)$/.exec(file)?.[1]?.toLowerCase() ?? ""
  return Object.hasOwn(TYPES, end) ? (TYPES[end] as string) : UNKNOWN
}
