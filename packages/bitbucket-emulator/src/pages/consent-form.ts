import { initials } from './initials.ts'
import { html, type Markup } from './page.ts'

/** The contents of a consent form. */
export interface Consent {
  /** The path that the form posts to. */
  readonly action: string
  /** The name of the application that requests access. */
  readonly application: string
  /** The parameters of the authorize request, which the form repeats. */
  readonly parameters: URLSearchParams
  /** What the application will be able to do, as phrases. */
  readonly permissions: readonly string[]
  readonly redirectUri: URL
  /** The host that the emulator replaces, such as `bitbucket.org`. */
  readonly replaces: string
  readonly people: readonly Choice[]
}

/** One account that the visitor can choose. */
export interface Choice {
  /** Sent as `user`. */
  readonly nickname: string
  readonly displayName: string
  /** What is unusual about the account, or an empty string. */
  readonly note: string
}

/** The form's own fields, which the authorize request must not be able to prefill. */
const ownFields = ['user', 'decision']

const tones = 6

/**
 * Returns the form in which the visitor chooses an account or denies access. It posts the request's
 * parameters back with `user=<nickname>` or `decision=deny`.
 */
export function consentForm({
  action,
  application,
  parameters,
  permissions,
  redirectUri,
  replaces,
  people,
}: Consent): Markup {
  const fields = [...parameters].filter(([name]) => !ownFields.includes(name))
  return html`<form class="card consent" method="post" action="${action}">
${fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<section class="request">
<div class="title">
<span class="tile" aria-hidden="true">${initials(application)}</span>
<h1>${application} would like to use your account</h1>
</div>
<div>
<h2>It will be able to</h2>
<ul class="permissions">
${permissions.map((permission) => html`<li>${permission}</li>`)}
</ul>
</div>
<div class="small">
<p>You'll be redirected to <code>${redirectUri.origin}${redirectUri.pathname}</code></p>
<p>This page never contacts ${replaces}. These people only exist in this emulator.</p>
</div>
</section>
<section class="choice">
<h2 id="people">Allow as</h2>
<ul class="people" aria-labelledby="people">
${people.map(personButton)}
</ul>
<button class="cancel" name="decision" value="deny">Cancel</button>
</section>
</form>`
}

function personButton({ nickname, displayName, note }: Choice, index: number): Markup {
  return html`<li><button class="person" name="user" value="${nickname}">
<span class="avatar tone-${String(index % tones)}" aria-hidden="true">${initials(displayName)}</span>
<span class="who">
<span><span class="name">${displayName}</span> <code class="nickname">${nickname}</code></span>
${note === '' ? html`` : html`<span class="note">${note}</span>`}
</span>
</button></li>`
}
