/** For a test with properties in it, which may take long if it is told to try often: an hour. */
export const PATIENT: { readonly timeout: number } = { timeout: 60 * 60 * 1000 }

/**
 * How often a property is tried: `usual` times, or `LATCHKEY_FUZZ_RUNS` percent of that. Every run
 * explores anew; fast-check's message about a failure holds what finds it again.
 */
export function tries(usual: number): { numRuns: number } {
  const percent = Number(process.env.LATCHKEY_FUZZ_RUNS || 100)
  return { numRuns: Math.ceil((usual * percent) / 100) }
}
