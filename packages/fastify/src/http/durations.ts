/** In seconds, and in milliseconds. */
const DAY_OF_SECONDS = 24 * 60 * 60
const MINUTE = 60 * 1000
/** As long as a session can last, in seconds. An older sign-in does not exist. */
const LONGEST_MAX_AGE = 400 * DAY_OF_SECONDS

/**
 * Whether a number of milliseconds was probably meant as seconds: it is far below `least`, and as seconds
 * it would be allowed; or as seconds it is a number of whole days, and as milliseconds not even of whole minutes,
 * such as 604,800, which is a week or 10 minutes and 4.8 seconds.
 */
export function looksLikeSeconds(value: number, least: number, most: number): boolean {
  const asSeconds = value * 1000
  if (asSeconds < least || asSeconds > most) return false
  // 60 seconds is the maximum of an option whose minimum is 100 ms.
  return value <= least * 0.6 || (value % DAY_OF_SECONDS === 0 && value % MINUTE !== 0)
}

/**
 * Whether a number of seconds was probably meant as milliseconds: as milliseconds it is a number of whole
 * minutes, and as seconds neither of whole days nor of a few hours, such as 300,000, which is five minutes or
 * more than three days. No sign-in is older than the longest session.
 */
export function looksLikeMilliseconds(value: number): boolean {
  if (value > LONGEST_MAX_AGE) return true
  if (value < MINUTE || value % MINUTE !== 0 || value % DAY_OF_SECONDS === 0) return false
  return value % 3600 !== 0 || value > 10 * DAY_OF_SECONDS
}

/** Returns the demand of a time in milliseconds, with the cure if it looks like seconds. */
export function demandMilliseconds(value: number, least: number, most: number): string {
  if (looksLikeSeconds(value, least, most)) {
    return `is in milliseconds, from ${least} to ${most}. This looks like seconds: multiply it by 1000`
  }
  return `must be a whole number of milliseconds from ${least} to ${most}`
}
