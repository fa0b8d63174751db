// Writes the golden outputs anew from what the code makes now. Read `git diff` afterwards: whatever changed must have
// been meant to.
//
//   node scripts/golden.ts
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { goldenCases, goldenFile, goldenOutput } from '../test/golden-handlers/cases.ts'

for (const golden of goldenCases) {
  const file = goldenFile(golden.name, 'out')
  const made = goldenOutput(golden)
  if (existsSync(file) && readFileSync(file).equals(made)) continue
  writeFileSync(file, made)
  console.log(`written: ${golden.name}`)
}
