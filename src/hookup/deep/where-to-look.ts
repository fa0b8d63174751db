// Which commands of the mail server say where a message is; by the names of [mta] incoming.

const commands: ReadonlyMap<string, { readonly queue: string; route(address: string): string }> = new Map([
  [
    'postfix',
    {
      queue: 'postqueue -p',
      route: (address: string) => `sendmail -bv ${address} (Postfix mails the answer to you)`,
    },
  ],
  ['exim4', { queue: 'exim -bp', route: (address: string) => `exim -bt ${address}` }],
  ['sendmail', { queue: 'mailq', route: (address: string) => `sendmail -bv ${address}` }],
  ['opensmtpd', { queue: 'smtpctl show queue', route: () => 'smtpd -d -T all' }],
  ['courier', { queue: 'mailq', route: () => 'courier show all' }],
  ['qmail', { queue: 'qmail-qread', route: () => '~alias/.qmail-* and control/virtualdomains' }],
])

/** Which commands show a message that waits, and where one to this address goes. */
export function whereToLook(incoming: readonly string[], address: string, messageId: string): string {
  const known = incoming.flatMap((name) => commands.get(name) ?? [])
  const queue = known.map((one) => `'${one.queue}'`).join(' or ') || "the mail server's queue"
  const route = known.map((one) => one.route(address)).join(' or ')
  return [
    `${queue} and the mail log say where it is (look for ${messageId} or for ${address}).`,
    ...(route === '' ? [] : [`Where such an address goes: ${route}`]),
  ].join('\n')
}
