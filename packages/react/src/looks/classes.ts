/** Returns the kit's own class, followed by the application's classes. */
export function classes(own: string, added: string | undefined): string {
  return added ? `${own} ${added}` : own
}
