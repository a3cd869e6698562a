import type { EmulatedPerson } from '../person.ts'
import type { Sheet } from '../sheet.ts'

/** A test person. A company's answers are built from one. */
export interface Member {
  /** Unique among the people, from 1. */
  readonly number: number
  readonly nickname: string
  readonly firstName: string
  readonly name: string
  /** `null` if the person has none, or does not share it. */
  readonly email: string | null
  readonly isVerified: boolean
  readonly isClosed: boolean
  /** What is unusual about the account, or an empty string. */
  readonly note: string
}

/** Returns the people of a company. Some depend on its sheet. */
export type Company = (sheet: Sheet) => readonly EmulatedPerson[]

type Case = 'ada' | 'ben' | 'no-email' | 'unverified' | 'closed'

const ordinary = { isVerified: true, isClosed: false, note: '' }

const cast: Readonly<Record<Case, Omit<Member, 'nickname' | 'name'>>> = {
  ada: { ...ordinary, number: 1, firstName: 'Ada', email: 'ada@example.com' },
  ben: { ...ordinary, number: 2, firstName: 'Ben', email: 'ben@example.com' },
  'no-email': { ...ordinary, number: 3, firstName: 'Cleo', email: null, note: 'no e-mail' },
  unverified: {
    ...ordinary,
    number: 4,
    firstName: 'Dan',
    email: 'dan@example.com',
    isVerified: false,
    note: 'e-mail not verified',
  },
  closed: {
    ...ordinary,
    number: 5,
    firstName: 'Finn',
    email: 'finn@example.com',
    isClosed: true,
    note: 'account closed',
  },
}

/** Returns the people for the cases that exist at a company, with its answers about each of them. */
export function castOf(
  cases: readonly Case[],
  answer: (member: Member) => Omit<EmulatedPerson, 'title'>,
): readonly EmulatedPerson[] {
  return cases.map((nickname) => {
    const { firstName } = cast[nickname]
    const member = { ...cast[nickname], nickname, name: `${firstName} Test` }
    return { title: member.name, nickname, note: member.note, ...answer(member) }
  })
}
