// Makes a finding of the doctor from its kind in the catalogue: what is true of every case is said there, once.
import type { Finding, FindingKind } from '../model/hookup.ts'

export interface Particulars {
  /** The very line, or the reply of a program or peer. */
  readonly seen: string
  readonly file?: string | null
  readonly line?: number | null
  /** When this case has more to say than its kind. */
  readonly why?: string
  readonly change?: string
}

export function finding(kind: FindingKind, { seen, file, line, why, change }: Particulars): Finding {
  return {
    kind,
    seen,
    file: file ?? null,
    line: line ?? null,
    why: why ?? kind.why,
    change: change ?? kind.change,
  }
}
