// The facts of a usual site, for tests of recipes: one list-only domain with one list, everything on one machine.
import type { HostFacts } from '../../src/model/hookup.ts'

export const exampleFacts: HostFacts = {
  hostname: 'mail.example.org',
  configFile: '/etc/posthorn.cfg',
  lmtp: { host: '127.0.0.1', port: 8024, socket: null },
  smtpIntake: null,
  relay: { host: 'localhost', port: 25, secureMode: 'smtp', user: null },
  varDir: '/var/lib/posthorn',
  dataDir: '/var/lib/posthorn/data',
  listDataDir: '/var/lib/posthorn/lists',
  delimiter: '+',
  incoming: [],
  postfix: { tableType: 'hash', postmapCommand: 'postmap' },
  opensmtpd: { reloadCommand: [] },
  mailServerFile: null,
  courier: { home: null, homes: {}, command: '/usr/local/bin/posthorn-qmail --sysexits' },
  qmail: { home: null, homes: {}, command: '/usr/local/bin/posthorn-qmail' },
  maxMessageSize: 33_554_432,
  lookup: { socketmap: null, tcpTable: null, readsocket: null },
  domains: [{ mailHost: 'lists.example.org', aliasDomain: null, listOnly: true, listNames: ['tea'] }],
  account: { user: 'list', group: 'list' },
  pipeProgram: '/usr/local/bin/posthorn-qmail',
}
