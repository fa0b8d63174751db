// Closes a union: the compiler proves that no case was forgotten, the throw says so if data lied.

/** Throws; call it in the default branch of a switch over a closed union. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}
