/** Every promise that a run is held to. Domains to come add theirs. */
import { acknowledgedIsHeld, newerIsKept, nothingIsLost, receiptIsTrue } from "./durability.ts"
import { answersAreRight, networkHeals, operationsEnd } from "./ends.ts"
import type { Invariant } from "./Invariant.ts"
import { connectionsAreSessions, stoppedIsGone, withinLimits } from "./limits.ts"
import { acknowledgedWasDelivered, cellsPassOnce, messagesArriveWholeAndOnce, onionKeysAreBound } from "./onion.ts"
import { expiredAreGone, replicasRecover, strangersAreSentOn } from "./replicas.ts"
import { contactsAreSigned, deadLeave, placesAreFilled } from "./tables.ts"
import { noncesAreFresh, noPlaintext } from "./wires.ts"

export const invariants: ReadonlyArray<Invariant> = [
  receiptIsTrue,
  newerIsKept,
  acknowledgedIsHeld,
  nothingIsLost,
  replicasRecover,
  expiredAreGone,
  strangersAreSentOn,
  answersAreRight,
  operationsEnd,
  networkHeals,
  deadLeave,
  placesAreFilled,
  contactsAreSigned,
  withinLimits,
  connectionsAreSessions,
  stoppedIsGone,
  noPlaintext,
  noncesAreFresh,
  messagesArriveWholeAndOnce,
  acknowledgedWasDelivered,
  cellsPassOnce,
  onionKeysAreBound
]
