// What the demo says: its configuration file, what to try, and each copy that is caught.
import { isAbsolute, join, relative } from 'node:path'
import type { CaughtCopy } from './mail-catcher.ts'

export const demoList = 'tea@lists.example.test'
const poster = 'ann@example.org'
export const demoMembers = [poster, 'ben@example.net', 'cleo@example.com'] as const
/** Whose post is held, and where no post gets to: the page offers both. */
export const demoStranger = 'zoe@example.com'
export const demoNoList = 'coffee@lists.example.test'

/** Tells the demo's own configuration from a site's. */
export const firstLine = "# Written by 'posthorn demo' at each start: what is changed here is lost then."

/** A configuration as an operator would write it; written anew at each start. */
export function configurationText(facts: {
  readonly directory: string
  readonly lmtpPort: number
  readonly smtpPort: number
  readonly webPort: number
}): string {
  return `${firstLine}
[mailman]
site_owner: postmaster@lists.example.test
layout: demo

[paths.demo]
var_dir: ${facts.directory}

[mta]
# The null mail server reads no tables; a real site writes postfix or exim4 here.
incoming: null
lmtp_host: 127.0.0.1
lmtp_port: ${facts.lmtpPort}
# The mail catcher of the demo, on a port that is new at each start.
smtp_host: 127.0.0.1
smtp_port: ${facts.smtpPort}

[web]
listen: 127.0.0.1:${facts.webPort}
`
}

/** What runs, where, and what to try next. */
export function welcomeLines(facts: {
  readonly directory: string
  readonly lmtpPort: number
  readonly webPort: number
  readonly cwd: string
}): readonly string[] {
  const { directory, lmtpPort, webPort, cwd } = facts
  const page = `http://localhost:${webPort}`
  const program = shellWord(shortPath(cwd, join(import.meta.dirname, '../../bin/posthorn')))
  const posthorn = `${program} -C ${shellWord(shortPath(cwd, join(directory, 'posthorn.cfg')))}`
  const log = shortPath(cwd, join(directory, 'logs/posthorn.log'))
  return [
    '',
    `Posthorn's demo is running. Write a post and watch it go through: ${page}`,
    '',
    `List: ${demoList}. Members: ${demoMembers.join(', ')}`,
    'Each copy that goes out is shown here and on the page; no mail leaves this machine.',
    '',
    'Or post from another terminal in the same folder:',
    '',
    `  printf 'From: Ann <${poster}>\\nTo: ${demoList}\\nSubject: First flush\\n\\nThe Darjeeling is here.\\n' | \\`,
    `    ${posthorn} inject ${demoList}`,
    '',
    'by the page, with curl:',
    '',
    `  curl -d from=${poster} -d to=${demoList} -d subject='Third flush' -d text='The Ceylon is here.' \\`,
    `    ${page}/posts`,
    '',
    `or by LMTP (127.0.0.1:${lmtpPort}), as a mail server does (where swaks is installed):`,
    '',
    `  swaks --server 127.0.0.1:${lmtpPort} --protocol LMTP --from ${poster} --to ${demoList} \\`,
    "    --header 'Subject: Second flush' --body 'The Assam is here.'",
    '',
    'Then look:',
    '',
    `  ${posthorn} status`,
    `  ${posthorn} members ${demoList}`,
    `  ${posthorn} trace ${poster}`,
    '',
    `Log: ${log}. Ctrl-C ends the demo.`,
  ]
}

/** One copy, with an empty line before it. */
export function copyLines({ number, sender, recipients, subject, lines }: CaughtCopy): readonly string[] {
  return [
    '',
    `Copy ${number} for ${recipients.join(', ')}`,
    `  envelope sender: ${sender}`,
    `  Subject: ${subject}`,
    ...lines.map((line) => `  | ${line}`),
  ]
}

/** Relative when it lies below. */
function shortPath(cwd: string, path: string): string {
  const short = relative(cwd, path)
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
