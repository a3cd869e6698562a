import type { EmulatedPerson } from '../person.ts'
import { type Company, castOf } from './cast.ts'

export const apple: Company = () => {
  const people = castOf(['ada', 'ben'], ({ number, firstName, email }) => ({
    claims: {
      sub: subjectOf(number),
      email,
      email_verified: true,
      is_private_email: false,
    },
    posted: namePosted(firstName, email),
  }))
  return [...people, hidden]
}

const relay = 'hidden@privaterelay.appleid.com'

/** A person who chose "Hide My Email". */
const hidden: EmulatedPerson = {
  title: 'Cleo Test',
  nickname: 'hidden',
  note: 'hides the e-mail',
  claims: { sub: subjectOf(3), email: relay, email_verified: true, is_private_email: true },
  posted: namePosted('Cleo', relay),
}

function subjectOf(number: number): string {
  return `00000${number}.0123456789abcdef0123456789abcdef.0001`
}

/** Apple sends the name outside the ID token, as JSON in a form field. */
function namePosted(firstName: string, email: string | null): EmulatedPerson['posted'] {
  return { user: JSON.stringify({ name: { firstName, lastName: 'Test' }, email }) }
}
