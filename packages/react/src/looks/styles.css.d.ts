// For TypeScript, which asks what an import of styles brings in: nothing.
export {}
