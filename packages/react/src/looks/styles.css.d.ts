// Lets TypeScript resolve the import of the styles, which export nothing.
export {}
