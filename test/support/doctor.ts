// What `posthorn doctor` says of a set-up that is meant to be sound: nothing to mend, and nothing that it could not look at.
import { deepEqual } from 'node:assert/strict'
import type { PostfixLab } from './postfix-lab.ts'
import type { Site } from './server.ts'

export async function soundToTheDoctor(site: Site, { configDir }: PostfixLab): Promise<void> {
  const { out } = await site.posthorn(['doctor', '--json', '--config-dir', configDir, 'postfix'])
  const { findings, unavailable } = JSON.parse(out) as {
    readonly findings: readonly { readonly severity: string }[]
    readonly unavailable: readonly string[]
  }
  const toMend = findings.filter(({ severity }) => severity !== 'info')
  deepEqual({ toMend, unavailable }, { toMend: [], unavailable: [] })
}
