import '@latchkey/react/styles.css'

export * from '@latchkey/react'
