import './node-version.ts'

export { type EmulatorOptions, type ProviderEmulator, startProviderEmulator } from './emulator.ts'
export type { EmulatedPerson, EmulatedResponse } from './person.ts'
export type { Sheet, SheetStep } from './sheet.ts'
