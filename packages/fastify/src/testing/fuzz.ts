/** A timeout of one hour for property tests, which can take a long time if `LATCHKEY_FUZZ_RUNS` is high. */
export const PATIENT: { readonly timeout: number } = { timeout: 60 * 60 * 1000 }

/**
 * How often a property is tried: `usual` times, or `LATCHKEY_FUZZ_RUNS` percent of that. Every run explores
 * new inputs. A failure's message contains everything that is needed to reproduce it.
 */
export function tries(usual: number): { numRuns: number } {
  const percent = Number(process.env.LATCHKEY_FUZZ_RUNS || 100)
  return { numRuns: Math.ceil((usual * percent) / 100) }
}
