/** The kit's own class, followed by those that the application adds. */
export function classes(own: string, added: string | undefined): string {
  return added ? `${own} ${added}` : own
}
