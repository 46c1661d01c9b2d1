/** A machine of the simulated network: its address, its router, the program that runs on it and what that has open. */
import type { Process } from "../time/Process.ts"
import type { Nat } from "./Nat.ts"
import type { StreamEnd } from "./StreamEnd.ts"

export type Accept = (end: StreamEnd) => void

/** Ports that a machine dials from when it listens nowhere. */
const FIRST_EPHEMERAL = 49_152

export class Host {
  readonly number: number
  /** What others see: its own, or its router's. */
  readonly address: string
  /** The network behind it; "none" lets everything through. */
  readonly nat: Nat
  /** False while the machine is off: nobody is told that nobody is there. */
  up = false
  /** The program that runs; undefined when none does. */
  process: Process | undefined
  readonly listeners = new Map<number, Accept>()
  readonly ends = new Set<StreamEnd>()
  /** When the line is free for the next message, milliseconds. */
  freeAt = 0

  constructor(number: number, nat: Nat) {
    this.number = number
    this.address = addressOf(number)
    this.nat = nat
  }

  /** The one that it listens on, as a program with one socket for everything has it. */
  get port(): number {
    for (const port of this.listeners.keys()) return port
    return FIRST_EPHEMERAL
  }
}

/** A public IPv4 address, from 11.0.0.0 on: in a /16 of its own as long as there are any, and always in a /24. */
export const addressOf = (number: number): string =>
  `${11 + (number % 64)}.${(number >> 6) & 255}.${(number >> 14) & 255}.1`
