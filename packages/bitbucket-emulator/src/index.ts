export {
  type BitbucketEmulator,
  type EmulatorOptions,
  startBitbucketEmulator,
} from './emulator.ts'
export { type Fault, type PlannedAnswer, rateLimitExceeded } from './faults.ts'
export { defaultConsumer, defaultPeople } from './people.ts'
export type { Profile } from './profiles.ts'
export type { Route } from './routes.ts'
export type { Email, Seed, SeedConsumer, SeedPerson, SeedWorkspace } from './seed-format.ts'
export type { RecordedRequest } from './serve.ts'
