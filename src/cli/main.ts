// The program `posthorn`: its words come from the command line, its exit code is that of the command.
import { runCommandLine } from './command-line.ts'
import { endWithTheOutput, terminalOutput } from './terminal.ts'

endWithTheOutput()
process.exitCode = await runCommandLine(process.argv.slice(2), terminalOutput())
