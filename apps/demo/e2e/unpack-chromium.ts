import { execFile } from 'node:child_process'
import { lstat, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { LaunchOptions } from 'playwright-core'

/**
 * Unpacks the Chromium of `@sparticuz/chromium`, its libraries and its font into the system's temporary
 * folder, once per version and user. Returns the options that launch it. Several processes can call this at
 * the same time.
 */
export async function unpackChromium(): Promise<LaunchOptions> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`it requires Linux x64, but this is ${process.platform} ${process.arch}`)
  }
  const folder = join(tmpdir(), `latchkey-chromium-${await packageVersion()}-${process.getuid?.()}`)
  if (!(await isOurs(folder))) await unpackInto(folder)
  return {
    executablePath: join(folder, 'chromium'),
    env: {
      ...process.env,
      LD_LIBRARY_PATH: [join(folder, 'al2023', 'lib'), process.env.LD_LIBRARY_PATH]
        .filter(Boolean)
        .join(':'),
      FONTCONFIG_FILE: join(folder, 'fonts.conf'),
    },
  }
}

async function packageVersion(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium')
  const manifest = await readFile(join(entry, '../../package.json'), 'utf8')
  const { version }: { version: string } = JSON.parse(manifest)
  return version
}

/**
 * Any user can create this folder, because its name is predictable. Never run files that another user has put there.
 */
async function isOurs(folder: string): Promise<boolean> {
  const stats = await lstat(folder).catch(() => null)
  if (stats && (!stats.isDirectory() || stats.uid !== process.getuid?.())) {
    throw new Error(`${folder} belongs to another user; remove it, or set TMPDIR`)
  }
  return stats !== null
}

async function unpackInto(folder: string): Promise<void> {
  const staging = await mkdtemp(`${folder}-`)
  try {
    // The package unpacks Chromium into os.tmpdir(), and unpacks its libraries only on Lambda.
    await promisify(execFile)(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import chromium from '@sparticuz/chromium'; await chromium.executablePath()`,
      ],
      {
        cwd: import.meta.dirname,
        env: { ...process.env, TMPDIR: staging, AWS_LAMBDA_JS_RUNTIME: 'nodejs24.x' },
      },
    )
    await writeFile(join(staging, 'fonts.conf'), fontsConf(folder))
    await rename(staging, folder)
  } catch (error) {
    await rm(staging, { recursive: true, force: true })
    // Another process may have unpacked it first.
    if (!(await isOurs(folder))) throw error
  }
}

/**
 * Uses Open Sans from the package for every font family that a page does not load itself, so that text looks the same
 * on every machine. (Inter is WOFF2, which this Chromium only reads from pages.)
 */
function fontsConf(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>${join(folder, 'fonts', 'fonts')}</dir>
  <cachedir>${join(folder, 'font-cache')}</cachedir>
</fontconfig>
`
}
