// What the process was given: environment, working directory, user. The one place beside base/ that looks at them.
import { homedir } from 'node:os'
import type { Surroundings } from '../config/search.ts'

/** `explicit` is the file of `-C`, or null. */
export function surroundings(explicit: string | null): Surroundings {
  return {
    explicit,
    environment: process.env,
    cwd: process.cwd(),
    home: homedir(),
    effectiveUid: process.geteuid?.() ?? -1,
    program: process.argv[1] ?? null,
  }
}
