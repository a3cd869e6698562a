export {
  type BitbucketEmulator,
  type EmulatorOptions,
  startBitbucketEmulator,
} from './emulator.ts'
export type { Fault, PlannedAnswer } from './faults.ts'
export { defaultConsumer, defaultPeople } from './people.ts'
export type { Route } from './routes.ts'
export type { Email, Seed, SeedConsumer, SeedPerson } from './seed.ts'
export type { RecordedRequest } from './serve.ts'
