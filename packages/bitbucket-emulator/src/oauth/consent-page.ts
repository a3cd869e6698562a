import type { Answer } from '../http/http.ts'
import { html, type Markup, page } from '../pages/page.ts'
import { scopes as permissions } from '../rules/scopes.ts'
import { initials, noteOn } from '../seed/people.ts'
import type { Person } from '../seed/seed-format.ts'
import type { AuthorizationRequest } from './authorization-request.ts'

/** The form's own fields, which the authorize request must not be able to prefill. */
const ownFields = ['user', 'decision']

const tones = 6

/**
 * Returns the consent page, where the visitor chooses an account or denies access. It is one form that
 * posts the request's parameters back with `user=<nickname>` or `decision=deny`.
 */
export function consentPage(
  { consumer, redirectUri, scopes, parameters }: AuthorizationRequest,
  people: readonly Person[],
): Answer {
  const fields = [...parameters].filter(([name]) => !ownFields.includes(name))
  return page(
    200,
    `Allow ${consumer.name} to use your account?`,
    html`<form class="card consent" method="post" action="/site/oauth2/authorize">
${fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<section class="request">
<div class="title">
<span class="tile" aria-hidden="true">${initials(consumer.name)}</span>
<h1>${consumer.name} would like to use your account</h1>
</div>
<div>
<h2>It will be able to</h2>
<ul class="permissions">
${scopes.map((scope) => html`<li>${permissions[scope] ?? scope}</li>`)}
</ul>
</div>
<div class="small">
<p>You'll be redirected to <code>${redirectUri.origin}${redirectUri.pathname}</code></p>
<p>This page never contacts bitbucket.org. These people only exist in this emulator.</p>
</div>
</section>
<section class="choice">
<h2 id="people">Allow as</h2>
<ul class="people" aria-labelledby="people">
${people.map(personButton)}
</ul>
<button class="cancel" name="decision" value="deny">Cancel</button>
</section>
</form>`,
  )
}

function personButton(person: Person, index: number): Markup {
  const note = noteOn(person)
  return html`<li><button class="person" name="user" value="${person.nickname}">
<span class="avatar tone-${String(index % tones)}" aria-hidden="true">${initials(person.displayName)}</span>
<span class="who">
<span><span class="name">${person.displayName}</span> <code class="nickname">${person.nickname}</code></span>
${note === '' ? html`` : html`<span class="note">${note}</span>`}
</span>
</button></li>`
}
