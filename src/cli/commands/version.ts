// posthorn version: which release this is.
import { defineCommand, EX } from '../command.ts'
import { programVersion } from '../overview.ts'

export const version = defineCommand({
  name: 'version',
  summary: 'Show the version',
  about: '  Shows the version of Posthorn.',
  examples: ['posthorn version'],
  options: {},
  args: {},
  async runHere({ out }) {
    out.line(programVersion)
    return EX.ok
  },
})
