/** How a table runs a statement that changes something. */
export interface Writer {
  /** Fails `disk_full`, with nothing changed. */
  write<Result>(change: () => Result): Result
  /** As `write`, for what ends a sandbox: goes on when the disk is full, as long as the ballast lasts. */
  writeEnd<Result>(change: () => Result): Result
}
