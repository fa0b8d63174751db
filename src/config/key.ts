// One key of the configuration: its type, its default as it would be written, what it means, and what
// Posthorn does with it. The reference page (docs/configuration.md) is made from these.
import type { ValueType } from './values.ts'

/** Honoured as it stands; understood in a way of our own; or without effect here, with the reason. */
export type Treatment =
  | 'honoured'
  | { readonly translated: string }
  | { readonly ignored: string }
  /** What has to be built before it counts. */
  | { readonly later: string }

export interface Key<T> {
  readonly type: ValueType<T>
  /** The text that stands for an absent key. */
  readonly standard: string
  /** The operator's documentation, plain sentences. */
  readonly doc: string
  readonly treatment: Treatment
}

export type Keys = Readonly<Record<string, Key<unknown>>>

export interface Section<K extends Keys> {
  /** As it stands between the brackets; `runner.NAME` for a family. */
  readonly title: string
  readonly doc: string
  readonly keys: K
  /** In sections whose keys the operator names (`[dkim] example.org.s1: FILE`): the type of those. */
  readonly others?: Key<unknown>
}

/** A family of sections `[runner.x]` with one template, and the members that are shipped. */
export interface Family<K extends Keys> extends Section<K> {
  readonly family: string
  /** True where the operator may add members. */
  readonly open: boolean
  /** Defaults of the shipped members that differ from the template's. */
  readonly members: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** `smtp_host` as the program says it: `smtpHost`. */
export type Camel<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : S

/** The typed values of a section. */
export type ValuesOf<K extends Keys> = {
  readonly [Name in keyof K & string as Camel<Name>]: K[Name] extends Key<infer T> ? T : never
}

export function camel(key: string): string {
  return key.replace(/_+(.)/g, (_, letter: string) => letter.toUpperCase())
}

/** A key that does what Mailman's does. */
export function honoured<T>(type: ValueType<T>, standard: string, doc: string): Key<T> {
  return { type, standard, doc, treatment: 'honoured' }
}

/** A key whose wish is met in another way, which `how` tells. */
export function translated<T>(type: ValueType<T>, standard: string, doc: string, how: string): Key<T> {
  return { type, standard, doc, treatment: { translated: how } }
}

/** A key that is accepted and has no effect; `why` is shown to whoever sets it. */
export function ignored<T>(type: ValueType<T>, standard: string, doc: string, why: string): Key<T> {
  return { type, standard, doc, treatment: { ignored: why } }
}

/** A key that will count once `what` is part of Posthorn; whoever sets it is told that it does not count yet. */
export function later<T>(type: ValueType<T>, standard: string, doc: string, what: string): Key<T> {
  return { type, standard, doc, treatment: { later: what } }
}
