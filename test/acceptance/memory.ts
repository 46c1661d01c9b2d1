/** What the kernel says of a process's memory (proc(5), /proc/pid/status), in MiB. */
import { readFileSync } from "node:fs"

const field = (pid: number, name: string): number => {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))
  if (match?.[1] === undefined) throw new Error(`process ${pid} has no ${name}`)
  return Number(match[1]) / 1024
}

/** Now. */
export const resident = (pid: number): number => field(pid, "VmRSS")

/** The most it ever was. */
export const peak = (pid: number): number => field(pid, "VmHWM")
