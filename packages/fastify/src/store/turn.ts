/** The current turn of the event loop, or the part of it since `newTurn` was called. */
let turn = 1
let counting = false

/** Returns a number that changes with each turn of the event loop, to run an expensive check once per turn. */
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

/** Makes every check run again in this turn. */
export function newTurn(): void {
  turn++
}
