'use client'

import type { ReactElement, ReactNode } from 'react'
import { fill, type Texts } from '../locales/texts.ts'
import { Unready } from '../looks/notices.tsx'
import { Names } from '../looks/person.tsx'
import type { ContentProps } from './account-section.tsx'
import { SmallButton } from './small-button.tsx'
import { type Device, useSessions } from './use-sessions.ts'

/** Lists the devices where the user is signed in, and signs them out. */
export function SessionsContent({ texts, attempt }: ContentProps): ReactNode {
  const state = useSessions()
  if (state.status !== 'ready') return <Unready state={state} />
  const { sessions, end, endOthers } = state

  function row({ id, device, current, createdAt, lastUsedAt }: Device): ReactElement {
    const name = { device: device ?? texts.unknownDevice }
    const used = current
      ? fill(texts.since, { date: dateOf(createdAt, texts) })
      : fill(texts.lastUsedAt, { date: dateOf(lastUsedAt, texts) })
    return (
      <li key={id} className="latchkey-row">
        <Names first={name.device} second={used} />
        {current ? (
          <span className="latchkey-tag">{texts.thisDevice}</span>
        ) : (
          <SmallButton
            aria-label={fill(texts.signOutDevice, name)}
            onClick={() => attempt(() => end(id), fill(texts.deviceSignedOut, name))}
          >
            {texts.signOut}
          </SmallButton>
        )}
      </li>
    )
  }

  return (
    <>
      <ul className="latchkey-list">{sessions.map(row)}</ul>
      {sessions.length > 1 && (
        <SmallButton onClick={() => attempt(endOthers, texts.othersSignedOut)}>
          {texts.signOutOthers}
        </SmallButton>
      )}
    </>
  )
}

function dateOf(time: number, { language }: Texts): string {
  return new Date(time).toLocaleString(language, { dateStyle: 'medium', timeStyle: 'short' })
}
