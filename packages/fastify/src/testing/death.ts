/**
 * The places where a server can be killed: when a request arrives, after a code is redeemed, before a
 * statement that begins with one of these texts, after the commit and its event, or after the response.
 */
export const places = [
  'asked',
  'redeemed',
  'insert into latchkey_users',
  'insert into latchkey_identities',
  'insert into latchkey_sessions',
  'update latchkey_identities',
  'delete from latchkey_sessions where id = ',
  'commit',
  'told',
  'answered',
] as const

export interface Death {
  readonly place: (typeof places)[number]
  /** The server kills itself the n-th time it reaches the place. It starts to count when it receives any message. */
  readonly times: number
}
