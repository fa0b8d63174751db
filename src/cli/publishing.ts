// The end of a command that changed lists or domains: it waits for the mail server's tables and reports their fault.
import { type CommandContext, EX } from './command.ts'

/** `done` says in one sentence what has been committed. */
export async function published(
  { server, out }: Pick<CommandContext, 'server' | 'out'>,
  done: string,
): Promise<number> {
  const fault = await server.publish((advice) => out.errorLine(`Note: ${advice}.`))
  if (fault === null) return EX.ok
  const remedy = fault.includes("'posthorn aliases'") ? '' : " Mend that, then run 'posthorn aliases'."
  out.errorLine(`${done}, but the mail server's tables are not up to date: ${fault}.${remedy}`)
  return EX.failed
}
