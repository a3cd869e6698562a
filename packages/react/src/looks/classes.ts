/** Our class, and those that the page adds. */
export function classes(own: string, more: string | undefined): string {
  return more ? `${own} ${more}` : own
}
