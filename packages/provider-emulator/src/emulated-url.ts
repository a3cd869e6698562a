/** Converts between a provider's own URLs and the emulator's URLs. */
export interface EmulatedUrls {
  /** `https://api.github.com/user` → `http://127.0.0.1:4021/github/https/api.github.com/user` */
  toEmulated(url: string): string
  /** The reverse. Returns a URL unchanged if it is not the emulator's. */
  toReal(url: string): string
}

/**
 * @param emulatorUrl The emulator's base URL, without a trailing slash
 * @param id The provider's id, because two providers can share a host
 */
export function createEmulatedUrls(emulatorUrl: string, id: string): EmulatedUrls {
  const base = `${emulatorUrl}/${id}/`
  return {
    // Do not parse the URL: an issuer is compared character by character, and may contain a template.
    toEmulated: (url) => url.replace(/^(https?):\/\//, `${base}$1/`),
    toReal: (url) =>
      url.startsWith(base) ? url.slice(base.length).replace(/^(https?)\//, '$1://') : url,
  }
}
