// A process that publishes the same lists again and again, as another server on the same tables would.
//
//   node publish-again.ts DIRECTORY POSTMAP TYPE TIMES LIST …
import { postfix } from '../../src/hookup/postfix.ts'
import type { TableType } from '../../src/hookup/postmap.ts'

const [directory = '', postmapCommand = '', type = '', times = '', ...listNames] = process.argv.slice(2)
const server = postfix({
  directory,
  lmtpHost: '127.0.0.1',
  lmtpPort: 8024,
  postmapCommand,
  tableType: type as TableType,
  compatible: false,
})
const domains = [{ mailHost: 'lists.example.org', aliasDomain: null, listOnly: true, listNames }]
for (let i = 0; i < Number(times); i++) await server.publish({ domains })
