/** The style sheet of the emulator's pages. Their Content-Security-Policy contains its hash. */
export const style: string = `
:root {
  color-scheme: light dark;
  --ground: #f4f1ea;
  --card: #fffdf9;
  --sunken: #f7f4ed;
  --ink: #22201b;
  --quiet: #625d52;
  --line: #ddd6c8;
  --edge: #c9c0ae;
  --accent: #0c6a5b;
  --tint: #e4f1ed;
  --note: #7a4a06;
  --note-ground: #fbecd0;
  --shadow: 0 1px 2px rgb(60 50 20 / 6%), 0 12px 32px rgb(60 50 20 / 9%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #141513;
    --card: #1e201d;
    --sunken: #191b18;
    --ink: #efece4;
    --quiet: #aba698;
    --line: #34372f;
    --edge: #4d5147;
    --accent: #6fd6c0;
    --tint: #1d302b;
    --note: #f5c877;
    --note-ground: #3a2d14;
    --shadow: 0 1px 2px rgb(0 0 0 / 40%), 0 16px 40px rgb(0 0 0 / 35%);
  }
}
*, ::before, ::after { box-sizing: border-box; }
body {
  margin: 0;
  min-height: 100vh;
  display: flex;
  flex-direction: column;
  background: var(--ground);
  color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif;
  -webkit-text-size-adjust: 100%;
}
h1, h2, p, ul { margin: 0; padding: 0; }
ul { list-style: none; }
h1 { font-size: clamp(1.25rem, 1rem + 1.25vw, 1.5rem); line-height: 1.25; letter-spacing: -0.015em; text-wrap: balance; }
h2 { font-size: 0.875rem; line-height: 1.4; font-weight: 600; color: var(--quiet); }
h1, p, li, .name { overflow-wrap: anywhere; }
code { font: 0.875em/1.5 ui-monospace, 'SF Mono', Menlo, Consolas, monospace; }

.banner {
  position: relative;
  padding: 0.625rem 1rem 0.875rem;
  background: #f2b824;
  color: #241c05;
  font-size: 0.875rem;
  text-align: center;
}
.banner::after {
  content: '';
  position: absolute;
  inset: auto 0 0;
  height: 0.25rem;
  background: repeating-linear-gradient(-45deg, #241c05 0 0.5rem, #f2b824 0.5rem 1rem);
}

main {
  flex: 1;
  display: grid;
  place-content: center;
  grid-template-columns: minmax(0, 56rem);
  padding: clamp(1rem, 4vw, 3rem) clamp(0.75rem, 4vw, 2rem);
}
.card {
  border: 1px solid var(--line);
  border-radius: 1rem;
  background: var(--card);
  box-shadow: var(--shadow);
  overflow: hidden;
}
.message {
  justify-self: center;
  width: 100%;
  max-width: 34rem;
  padding: clamp(1.25rem, 5vw, 2.25rem);
}
.message p { margin-top: 0.75rem; color: var(--quiet); }
.message p:first-of-type { color: var(--ink); }

.request, .choice {
  display: flex;
  flex-direction: column;
  gap: 1.25rem;
  padding: clamp(1.25rem, 4vw, 2.25rem);
}
.request { border-bottom: 1px solid var(--line); background: var(--sunken); }
.choice { gap: 0.875rem; }
.title { display: flex; align-items: center; gap: 1rem; }
.tile {
  flex: none;
  display: grid;
  place-items: center;
  width: 3.5rem;
  height: 3.5rem;
  border-radius: 1rem;
  background: var(--accent);
  color: var(--card);
  font-size: 1.25rem;
  font-weight: 700;
}
.permissions { display: grid; gap: 0.5rem; margin-top: 0.5rem; }
.permissions li { position: relative; padding-left: 1.75rem; }
.permissions li::before {
  content: '';
  position: absolute;
  left: 0.3125rem;
  top: 0.375rem;
  width: 0.375rem;
  height: 0.6875rem;
  border: solid var(--accent);
  border-width: 0 0.125rem 0.125rem 0;
  transform: rotate(42deg);
}
.small { font-size: 0.875rem; color: var(--quiet); }
.request .small { margin-top: auto; display: grid; gap: 0.75rem; }
.small code { display: block; color: var(--ink); }

.people { display: grid; gap: 0.5rem; }
button {
  font: inherit;
  color: inherit;
  cursor: pointer;
  width: 100%;
  border: 1px solid var(--edge);
  border-radius: 0.75rem;
  background: var(--card);
}
button:hover { border-color: var(--accent); background: var(--tint); }
button:active { transform: translateY(1px); }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.person {
  display: flex;
  align-items: center;
  gap: 0.875rem;
  min-height: 4rem;
  padding: 0.5rem 0.875rem 0.5rem 0.75rem;
  text-align: left;
}
.who {
  flex: 1;
  min-width: 0;
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  justify-content: space-between;
  gap: 0.25rem 0.75rem;
}
.avatar {
  flex: none;
  display: grid;
  place-items: center;
  width: 2.5rem;
  height: 2.5rem;
  border-radius: 50%;
  color: #fff;
  font-size: 0.875rem;
  font-weight: 650;
  letter-spacing: 0.02em;
}
.tone-0 { background: #0c6a5b; }
.tone-1 { background: #99421a; }
.tone-2 { background: #5d459e; }
.tone-3 { background: #1f628f; }
.tone-4 { background: #96305c; }
.tone-5 { background: #56611f; }
.name { display: block; font-weight: 600; line-height: 1.35; }
.nickname { display: block; color: var(--quiet); }
.note {
  padding: 0.125rem 0.5rem;
  border-radius: 1rem;
  background: var(--note-ground);
  color: var(--note);
  font-size: 0.8125rem;
  font-weight: 500;
  white-space: nowrap;
}
.cancel { min-height: 3rem; background: none; font-weight: 600; }
.cancel:hover { border-color: var(--quiet); background: var(--sunken); }

@media (min-width: 46rem) {
  .consent { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); }
  .request { border-bottom: 0; border-right: 1px solid var(--line); }
  .title { flex-direction: column; align-items: flex-start; gap: 1.25rem; }
}
@media (prefers-reduced-motion: no-preference) {
  button { transition: border-color 120ms, background-color 120ms; }
}
@media (forced-colors: active) {
  .avatar, .tile, .note { border: 1px solid; }
}
`
