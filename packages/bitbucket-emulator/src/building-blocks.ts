// What `@latchkey/provider-emulator` shares with this emulator: the look of the pages, and HTTP on loopback. This is not
// a public interface, and it changes without notice.

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
