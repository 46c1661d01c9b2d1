/** Giving memory back before the collector finds it. */

/** Smaller ones are cheaper to leave to the collector. */
export const RELEASE_FROM = 16 * 1024

/**
 * Frees the memory of large bytes that nobody needs any more; they are empty afterwards. Only for the last owner, and
 * only where the bytes are all of their buffer: of a view into something larger it does nothing.
 *
 * At hundreds of megabytes a second the engine would otherwise mark the whole heap every 50 ms for the sake of buffers
 * that were dead long before, and every new one would be cold memory: a third of the time of a bulk transfer.
 */
export const release = (bytes: Uint8Array): void => {
  const { buffer } = bytes
  if (bytes.length < RELEASE_FROM || bytes.length !== buffer.byteLength) return
  if (buffer instanceof ArrayBuffer) buffer.transfer(0)
}
