// The parts of this emulator that `@latchkey/provider-emulator` uses too: the pages, and HTTP on loopback. They are not
// a public API and can change at any time.

export {
  type Answer,
  json,
  type Received,
  readBody,
  readForm,
  redirect,
} from './http/http.ts'
export { type Choice, type Consent, consentForm } from './pages/consent-form.ts'
export { createPages, html, type Markup, type Pages } from './pages/page.ts'
export { isLoopback } from './seed/callback-url.ts'
export { listen } from './server/listen.ts'
export { isLoopbackHost } from './server/loopback-host.ts'
export { createRequestLog, type RecordedRequest, type RequestLog } from './server/request-log.ts'
