export { english } from './texts.ts'
