// Which commands of the mail server say where a message is; by the names of [mta] incoming and of the guides.

interface Commands {
  readonly queue: string
  route(address: string): string
  /** Of a message in the queue. */
  readonly remove: string
}

const exim: Commands = {
  queue: 'exim -bp',
  route: (address) => `exim -bt ${address}`,
  remove: 'exim -Mrm ID',
}

const commands: ReadonlyMap<string, Commands> = new Map([
  [
    'postfix',
    {
      queue: 'postqueue -p',
      route: (address) => `sendmail -bv ${address} (Postfix mails the answer to you)`,
      remove: 'postsuper -d ID',
    },
  ],
  ['exim', exim],
  ['exim4', exim],
  [
    'sendmail',
    {
      queue: 'mailq',
      route: (address) => `sendmail -bv ${address}`,
      remove: 'rm /var/spool/mqueue/?fID',
    },
  ],
  [
    'opensmtpd',
    {
      queue: 'smtpctl show queue',
      route: () => "the first match of smtpd.conf that fits, see 'posthorn doctor opensmtpd'",
      remove: 'smtpctl remove ID',
    },
  ],
  [
    'courier',
    {
      queue: 'mailq',
      route: () => "the user's .courier files, see 'courier show all'",
      remove: 'cancelmsg ID',
    },
  ],
  [
    'qmail',
    {
      queue: 'qmail-qread',
      route: () => '~alias/.qmail-* and control/virtualdomains',
      remove: 'none: it gives up after control/queuelifetime',
    },
  ],
] satisfies [string, Commands][])

/** Which commands show a message that waits and remove it, and where one to this address goes. */
export function whereToLook(mailServers: readonly string[], address: string, messageId: string): string {
  const known = [...new Set(mailServers.flatMap((name) => commands.get(name) ?? []))]
  const queue = known.map((one) => `'${one.queue}'`).join(' or ') || "the mail server's queue"
  const lines = [
    `${queue} and the mail log say where it is (look for ${messageId} or for ${address}).`,
    ...known.flatMap((one) => [
      `Where such an address goes: ${one.route(address)}`,
      `What removes it from the queue: ${one.remove}`,
    ]),
  ]
  return lines.join('\n')
}
