/**
 * Where in its work a server can be killed: as a request comes in, once a code is redeemed, before a
 * statement that begins like this goes to the database, once the commit is done and its event is told, or
 * with the answer just sent.
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
  /** The server kills itself when it is there for this many times, counted from any message to it. */
  readonly times: number
}
