// Brands: a name for a value that its parser has looked at. Knows nothing of mail.

declare const brand: unique symbol

/** A `T` that came through the parser of `Name`; only that parser may say `as`. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }
