// Tells the service manager (sd_notify(3), `Type=notify`) that the server takes mail, and that it is ending. QUIRK: Node has
// no datagram sockets by path, so systemd-notify(1) speaks for us; a unit needs `NotifyAccess=all`.
import { execFile } from 'node:child_process'
import type { Log } from '../base/log.ts'

export interface ServiceManager {
  /** `words` are what `systemctl status` shows. */
  ready(words: string): void
  stopping(): void
}

const longest = 10_000

/** Silent where no service manager asked to be told. */
export function serviceManager(
  environment: Readonly<Record<string, string | undefined>>,
  log: Log,
): ServiceManager {
  const tell = (...words: readonly string[]): void => {
    if ((environment.NOTIFY_SOCKET ?? '') === '') return
    execFile('systemd-notify', words, { timeout: longest }, (fault) => {
      if (fault !== null)
        log.error('service-manager.unheard', {
          fault: fault.message,
          remedy:
            'install systemd-notify, or set Type=exec in the unit: systemd ends what never says that it is ready',
        })
    })
  }
  return {
    ready: (words) => tell('--ready', `--status=${words}`),
    stopping: () => tell('STOPPING=1', 'STATUS=ending, open transactions first'),
  }
}
