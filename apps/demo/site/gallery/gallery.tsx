import { AuthProvider, type Texts } from '@latchkey/react'
import { arabic } from '@latchkey/react/locales/ar'
import { german } from '@latchkey/react/locales/de'
import { english } from '@latchkey/react/locales/en'
import { spanish } from '@latchkey/react/locales/es'
import { french } from '@latchkey/react/locales/fr'
import { japanese } from '@latchkey/react/locales/ja'
import type { ReactElement } from 'react'
import { codeOf, type Example, exampleParts } from './examples.ts'
import {
  type GalleryData,
  type GalleryLanguage,
  galleryLanguages,
  galleryParts,
  galleryThemes,
  sessionOf,
} from './scenarios.ts'

const tables: Record<GalleryLanguage, Texts> = {
  en: english,
  de: german,
  fr: french,
  es: spanish,
  ja: japanese,
  ar: arabic,
}

/** Shows every component in every state, theme, language and direction, next to its code. */
export function Gallery({ data }: { data: GalleryData }): ReactElement {
  const { part, bare, only } = data
  const { title, about, examples: all } = exampleParts[part]
  const examples = all.filter(({ name }) => only === undefined || name === only)
  if (bare) return <Examples data={data} examples={examples} />
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header className="bar">
        <a className="brand" href="/">
          <img src="/quire.svg" alt="" width="28" height="28" />
          Quire
        </a>
        <nav aria-label="Components">
          {galleryParts.map((one) => (
            <Choice key={one} data={data} change={{ part: one }}>
              {exampleParts[one].title}
            </Choice>
          ))}
        </nav>
      </header>
      <main id="main">
        <h1 className="gallery-title">{title}</h1>
        <p className="lead">{about}</p>
        <div className="gallery-choices">
          <nav aria-label="Theme">
            {galleryThemes.map((theme) => (
              <Choice key={theme} data={data} change={{ theme }}>
                {theme}
              </Choice>
            ))}
          </nav>
          <nav aria-label="Language">
            {galleryLanguages.map((language) => (
              <Choice key={language} data={data} change={{ language }}>
                {nameOf(language)}
              </Choice>
            ))}
          </nav>
        </div>
        <Examples data={data} examples={examples} />
      </main>
    </>
  )
}

function nameOf(language: GalleryLanguage): string {
  return {
    en: 'English',
    de: 'Deutsch',
    fr: 'Français',
    es: 'Español',
    ja: '日本語',
    ar: 'العربية',
  }[language]
}

interface ChoiceProps {
  readonly data: GalleryData
  readonly change: Partial<GalleryData>
  readonly children: string
}

function Choice({ data, change, children }: ChoiceProps): ReactElement {
  const { part, theme, language } = { ...data, ...change }
  const chosen = Object.entries(change).every(([name, value]) => Object(data)[name] === value)
  return (
    <a
      href={`/gallery?${new URLSearchParams({ part, theme, language })}`}
      aria-current={chosen ? 'page' : undefined}
    >
      {children}
    </a>
  )
}

function Examples(props: {
  readonly data: GalleryData
  readonly examples: readonly Example[]
}): ReactElement {
  const { data, examples } = props
  return (
    <div className="gallery" data-part={data.part}>
      {examples.map((example) => (
        <Shown key={example.name} data={data} example={example} />
      ))}
    </div>
  )
}

function Shown({ data, example }: { data: GalleryData; example: Example }): ReactElement {
  const { name, title, scenario, Component } = example
  const { theme, language } = data
  return (
    <article className="example-box" id={name} aria-labelledby={`${name}-title`}>
      <h2 id={`${name}-title`}>{title}</h2>
      <div
        className="stage"
        data-stage={data.part}
        data-theme={theme}
        data-latchkey-theme={theme === 'auto' ? undefined : theme}
        lang={language}
        dir={language === 'ar' ? 'rtl' : 'ltr'}
      >
        <AuthProvider
          basePath={`/gallery/server/${scenario}`}
          initialSession={sessionOf(scenario)}
          texts={tables[language]}
        >
          <Component />
        </AuthProvider>
      </div>
      {!data.bare && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: must be scrollable with the keyboard
        <pre tabIndex={0}>{codeOf(data.part, example)}</pre>
      )}
    </article>
  )
}
