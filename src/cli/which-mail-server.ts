// Which mail server a command is about: the one that was named, or the one that is installed.
import { didYouMean } from '../config/section.ts'
import { findGuide, guides } from '../hookup/guides.ts'
import type { MailServerGuide, MailServerHost } from '../model/hookup.ts'
import { UsageFault } from './options.ts'

const names = (): string => guides.map(({ name }) => name).join(', ')

/** Throws UsageFault when the name is not known, or when nothing or more than one is installed; and Unavailable. */
export async function whichMailServer(name: string | null, host: MailServerHost): Promise<MailServerGuide> {
  if (name !== null) {
    const named = findGuide(name)
    if (named === null) {
      const known = guides.map((guide) => guide.name)
      throw new UsageFault(
        `No such mail server: '${name}'${didYouMean(name, known) || `; known are ${names()}.`}`,
      )
    }
    return named
  }
  const installed: MailServerGuide[] = []
  for (const guide of guides) if (await guide.isInstalled(host)) installed.push(guide)
  const [only, ...others] = installed
  if (only === undefined)
    throw new UsageFault(
      `No mail server is found here: name one (${names()}), and say with --config-dir or --command-prefix where it is.`,
    )
  if (others.length > 0)
    throw new UsageFault(
      `More than one mail server is here (${installed.map(({ title }) => title).join(', ')}): name the one that takes the mail for your lists: ${installed.map((guide) => guide.name).join(' or ')}.`,
    )
  return only
}
