/** The number of seconds in a day. */
const DAY_OF_SECONDS = 24 * 60 * 60
const MINUTE = 60 * 1000
/** The longest possible lifetime of a session, in seconds. No sign-in can be older. */
const LONGEST_MAX_AGE = 400 * DAY_OF_SECONDS

/**
 * Whether a number of milliseconds was probably meant as seconds, because one of these holds:
 *
 * - It is far below `least`, and would be valid as seconds.
 * - Read as seconds, it is a whole number of days, but read as milliseconds, it is not even a whole number of
 *   minutes. For example, 604,800 is a week in seconds. In milliseconds it is 10 minutes and 4.8 seconds.
 */
export function looksLikeSeconds(value: number, least: number, most: number): boolean {
  const asSeconds = value * 1000
  if (asSeconds < least || asSeconds > most) return false
  // The threshold is 0.6 because of an option with a minimum of 100 ms and a maximum of 60 seconds.
  return value <= least * 0.6 || (value % DAY_OF_SECONDS === 0 && value % MINUTE !== 0)
}

/**
 * Whether a number of seconds was probably meant as milliseconds. Read as milliseconds, it is a whole number
 * of minutes, but read as seconds, it is neither a whole number of days nor a few hours. For example, 300,000
 * is five minutes in milliseconds, and more than three days in seconds. No sign-in can be older than the
 * longest possible session.
 */
export function looksLikeMilliseconds(value: number): boolean {
  if (value > LONGEST_MAX_AGE) return true
  if (value < MINUTE || value % MINUTE !== 0 || value % DAY_OF_SECONDS === 0) return false
  return value % 3600 !== 0 || value > 10 * DAY_OF_SECONDS
}

/**
 * Returns the requirement for a time in milliseconds, and the fix if the value looks like seconds.
 */
export function demandMilliseconds(value: number, least: number, most: number): string {
  if (looksLikeSeconds(value, least, most)) {
    return `is in milliseconds, from ${least} to ${most}. This looks like seconds: multiply it by 1000`
  }
  return `must be a whole number of milliseconds from ${least} to ${most}`
}
