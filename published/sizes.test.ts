import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'

const packages = join(import.meta.dirname, '../packages')

describe('the size of the kit', () => {
  let folder: string
  let dist: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'latchkey-sizes-'))
    dist = join(folder, 'dist')
    cpSync(join(inject('tarballs'), 'react'), folder, { recursive: true })
    mkdirSync(join(folder, 'node_modules/@latchkey'), { recursive: true })
    symlinkSync(join(packages, 'contract'), join(folder, 'node_modules/@latchkey/contract'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  async function measure(): Promise<{ code: number; stdout: string; stderr: string }> {
    const command = [join(packages, 'react/sizes.ts'), dist]
    return promisify(execFile)(process.execPath, command).then(
      (said) => ({ code: 0, ...said }),
      (error) => error,
    )
  }

  /** Returns text that cannot be compressed. */
  function ballast(bytes: number): string {
    return randomBytes(bytes).toString('base64')
  }

  it('is printed with the limits', async () => {
    const { code, stdout } = await measure()
    expect(stdout).toMatch(/^<SignInButton> alone: 1\d{3} bytes, of at most 2000$/m)
    expect(stdout).toMatch(/^a button and the user menu: \d{4} bytes, of at most 7000$/m)
    expect(stdout).toMatch(
      /^sign-in, user menu and guards, with styles: \d{4,5} bytes, of at most 18000$/m,
    )
    expect(stdout).toMatch(/^the whole kit, with styles: \d{4,5} bytes, of at most 14500$/m)
    expect(code).toBe(0)
  })

  it('fails the build if the button imports too much, and says so', async () => {
    appendFileSync(
      join(dist, 'sign-in/sign-in-url.js'),
      `\nglobalThis.ballast = '${ballast(500)}'\n`,
    )
    const { code, stderr } = await measure()
    expect(stderr).toMatch(/^<SignInButton> alone: 2\d{3} bytes, of at most 2000\. Make it smaller/)
    expect(code).toBe(1)
  })

  it('fails the build if the styles grow too much', async () => {
    appendFileSync(join(dist, 'looks/styles.css'), `:root { --ballast: "${ballast(12_000)}" }`)
    const { code, stderr } = await measure()
    expect(stderr).toMatch(
      /^sign-in, user menu and guards, with styles: 2\d{4} bytes, of at most 18000\./m,
    )
    expect(stderr).toMatch(/^the whole kit, with styles: 2\d{4} bytes, of at most 14500\./m)
    expect(code).toBe(1)
  })

  it('fails the build if an imported package cannot be found', async () => {
    rmSync(join(folder, 'node_modules'), { recursive: true })
    const { code, stderr } = await measure()
    expect(stderr).toContain('@latchkey/contract')
    expect(code).toBe(1)
  })
})
