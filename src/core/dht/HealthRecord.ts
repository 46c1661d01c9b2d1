/** How one backend is doing, from what its operations came to and how long they took. */

/** Of the mean, what one more operation changes: the last ten or so count (as TCP smooths its round trips, RFC 6298). */
const SMOOTHING = 1 / 8

export class HealthRecord {
  checks = 0
  errors = 0
  consecutiveFailures = 0
  /** Unix milliseconds; undefined before the first. */
  lastCheck: number | undefined
  lastSuccess: number | undefined
  latencyMillis: number | undefined

  /** What fails says nothing of how long an answer takes. */
  note(isSuccess: boolean, milliseconds: number, now: number): void {
    this.checks++
    this.lastCheck = now
    if (!isSuccess) {
      this.errors++
      this.consecutiveFailures++
      return
    }
    this.consecutiveFailures = 0
    this.lastSuccess = now
    const mean = this.latencyMillis ?? milliseconds
    this.latencyMillis = mean + (milliseconds - mean) * SMOOTHING
  }

  /** `slowAfter` in milliseconds; `isOut` where nothing is asked of it any more. */
  health(slowAfter: number, isOut: boolean): "healthy" | "degraded" | "failed" {
    if (isOut) return "failed"
    return this.consecutiveFailures > 0 || (this.latencyMillis ?? 0) > slowAfter ? "degraded" : "healthy"
  }
}
