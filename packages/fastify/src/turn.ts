/** The turn of the event loop, or the part of it since `newTurn` was called. */
let turn = 1
let counting = false

/**
 * A number that changes with each turn of the event loop, so that what costs something can be asked once
 * a turn, however many requests it serves.
 */
export function thisTurn(): number {
  if (!counting) {
    counting = true
    setImmediate(() => {
      counting = false
      turn++
    })
  }
  return turn
}

/** Makes everything that was asked in this turn be asked again. */
export function newTurn(): void {
  turn++
}
