import { existsSync } from 'node:fs'
import { type Browser, type BrowserServer, chromium, type LaunchOptions } from 'playwright-core'
import { unpackChromium } from './unpack-chromium.ts'

export interface LaunchChromiumOptions {
  /** Whether to use only the browser from npm, which has the same build and font everywhere. Default: false. */
  pinned?: boolean
}

const INSTALLED: readonly string[] = [
  chromium.executablePath(), // Playwright's own
  '/opt/google/chrome/chrome',
  '/usr/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

const CURE = `No Chromium could be launched. Set LATCHKEY_TEST_CHROMIUM to the path of one, or
get one with \`npx playwright-core install --with-deps chromium\`. (The pinned one, which is
@sparticuz/chromium from the npm registry, needs Linux on x64 with glibc 2.34 or later.)`

/**
 * Launches a headless Chromium: the one at the path in `LATCHKEY_TEST_CHROMIUM`, an installed one, or the one
 * from npm. If `pinned` is set, it launches only the one from npm. The caller must close it. For pages without
 * JavaScript, use `newContext({ javaScriptEnabled: false })`.
 *
 * It is launched with only Playwright's default flags. They already disable background networking, and the `args` of
 * `@sparticuz/chromium` would disable the same-origin policy.
 *
 * @throws Error if no Chromium starts. It says how to fix that, and why each attempt failed.
 */
export function launchChromium(options: LaunchChromiumOptions = {}): Promise<Browser> {
  return tryEach(attempts(options.pinned ?? false), (settings) => chromium.launch(settings))
}

/** Launches a Chromium that several processes can share by connecting to its `wsEndpoint()`. */
export function serveChromium(): Promise<BrowserServer> {
  return tryEach(attempts(false), (settings) => chromium.launchServer(settings))
}

type Attempt = () => LaunchOptions | Promise<LaunchOptions>
type Launch<Launched> = (settings: LaunchOptions) => Promise<Launched>

/** Returns the first browser that launches. */
async function tryEach<Launched>(
  attempts: readonly Attempt[],
  launch: Launch<Launched>,
): Promise<Launched> {
  const reasons: string[] = []
  for (const attempt of attempts) {
    try {
      return await launchSandboxed(await attempt(), launch)
    } catch (error) {
      const [reason] = String(error).split('\nCall log:')
      reasons.push(`${reason}`)
    }
  }
  throw new Error([CURE, ...reasons].join('\n\n'))
}

function attempts(pinned: boolean): Attempt[] {
  if (pinned) return [unpackChromium]
  const chosen = process.env.LATCHKEY_TEST_CHROMIUM
  if (chosen) return [() => ({ executablePath: chosen })]
  const installed = INSTALLED.filter((path) => existsSync(path))
  return [...installed.map((executablePath) => () => ({ executablePath })), unpackChromium]
}

async function launchSandboxed<Launched>(
  settings: LaunchOptions,
  launch: Launch<Launched>,
): Promise<Launched> {
  // Chromium does not run as root with its sandbox enabled.
  if (process.getuid?.() === 0) return launch({ ...settings, chromiumSandbox: false })
  try {
    return await launch({ ...settings, chromiumSandbox: true })
  } catch (error) {
    // Ubuntu since 23.10 and most containers deny the user namespaces that the sandbox needs.
    if (!/No usable sandbox|sandboxing failed/.test(String(error))) throw error
    return launch({ ...settings, chromiumSandbox: false })
  }
}
