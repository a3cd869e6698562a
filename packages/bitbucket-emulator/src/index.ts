export {
  type BitbucketEmulator,
  type EmulatorOptions,
  startBitbucketEmulator,
} from './emulator.ts'
export type { Profile } from './rules/profiles.ts'
export { defaultConsumer, defaultPeople } from './seed/people.ts'
export type { Email, Seed, SeedConsumer, SeedPerson, SeedWorkspace } from './seed/seed-format.ts'
export { type Fault, type PlannedAnswer, rateLimitExceeded } from './server/faults.ts'
export type { Route } from './server/routes.ts'
export type { RecordedRequest } from './server/serve.ts'
