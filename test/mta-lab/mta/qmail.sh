# shellcheck shell=bash
# qmail (netqmail, notqmail): built by you, for Debian has no package of it.
# --qmail-dir is the folder that its build installed to (the one known to it as
# /var/qmail, with bin/ and queue/). No chroot here: the .qmail command needs the host's
# programs. Instead the mount namespace shows a private /etc/passwd, /etc/group
# and /var/qmail, and the host keeps its own.

qmail_install() { die "qmail is not in Debian: build notqmail and give its folder with --qmail-dir (see README.md)"; }

# The namespace for one command: our accounts, and our copy of the qmail folder.
qmail_ns() {
  # shellcheck disable=SC2016
  unshare -m --propagation private bash -c '
    d=$1; shift
    mount --bind "$d/passwd" /etc/passwd && mount --bind "$d/group" /etc/group && mount --bind "$d/qmail" /var/qmail
    exec "$@"' ns "$DIR" "$@"
}

qmail_accounts() { # writes DIR/passwd and DIR/group
  grep -vE '^(alias|qmail[dlpqrs]|mailman|_mmlist):' /etc/passwd > "$DIR/passwd"
  grep -vE '^(nofiles|qmail|mailman):' /etc/group > "$DIR/group"
  cat >> "$DIR/group" <<G
nofiles:x:7790:
qmail:x:7791:
mailman:x:7799:
G
  cat >> "$DIR/passwd" <<P
alias:x:7790:7790::/var/qmail/alias:/bin/true
qmaild:x:7791:7790::/var/qmail:/bin/true
qmaill:x:7792:7790::/var/qmail:/bin/true
qmailp:x:7793:7790::/var/qmail:/bin/true
qmailq:x:7794:7791::/var/qmail:/bin/true
qmailr:x:7795:7791::/var/qmail:/bin/true
qmails:x:7796:7791::/var/qmail:/bin/true
mailman:x:7799:7799::$DIR/home:/bin/sh
P
}

# Runs the server in a copy of the folder, with the list domain as a virtual domain of
# the user mailman, whose .qmail-default hands each message to the LMTP command.
qmail_start() {
  [[ -n $QMAIL_DIR && -x $QMAIL_DIR/bin/qmail-send ]] || die "qmail needs --qmail-dir (a folder with bin/qmail-send)"
  [[ -n $LMTP_COMMAND ]] || die "qmail needs --lmtp-command (what .qmail-default runs for each message)"
  mkdir -p /var/qmail "$DIR/home"
  qmail_accounts
  rm -rf "$DIR/qmail"; cp -a "$QMAIL_DIR" "$DIR/qmail"
  chmod 755 "$DIR"
  local c=$DIR/qmail/control d
  mkdir -p "$c"
  echo "$HOSTNAME_MTA" > "$c/me"; echo "$HOSTNAME_MTA" > "$c/helohost"
  : > "$c/locals"; : > "$c/rcpthosts"; : > "$c/virtualdomains"
  for d in "${DOMAINS[@]}"; do
    echo "$d" >> "$c/rcpthosts"
    echo "$d:mailman" >> "$c/virtualdomains"
  done
  [[ -n $SINK_PORT ]] && echo ":127.0.0.1:$SINK_PORT" > "$c/smtproutes"
  echo 60 > "$c/timeoutremote"; echo 20 > "$c/concurrencyremote"; echo 10 > "$c/concurrencylocal"
  printf '%s\n' "|$LMTP_COMMAND" > "$DIR/home/.qmail"
  ln -sfn .qmail "$DIR/home/.qmail-default"
  chown -R 7799:7799 "$DIR/home"; chmod 755 "$DIR/home"; chmod 644 "$DIR/home/.qmail"
  LOG=$DIR/qmail.log QUEUE=$DIR/qmail/queue VERSION="notqmail"
  : > "$LOG"
  # The .qmail command is run by mailman's user: it needs node on its path.
  local path; path=$(dirname "$(readlink -f "$(command -v node || echo /usr/bin/node)")"):/var/qmail/bin:/usr/local/bin:/usr/bin:/bin
  qmail_ns env -i PATH="$path" /var/qmail/bin/qmail-start ./Mailbox > "$LOG" 2>&1 < /dev/null &
  remember $!
  # The port: what tcpserver does elsewhere. RELAYCLIENT lets the list manager send anywhere.
  qmail_ns node "$HERE/tcpd.mjs" 127.0.0.1 "$SMTP_PORT" 7791:7790 env -i PATH="$path" RELAYCLIENT= /var/qmail/bin/qmail-smtpd >> "$LOG" 2>&1 < /dev/null &
  remember $!
}
qmail_queue() { qmail_ns /var/qmail/bin/qmail-qread; }
# Tells qmail-send, a child of qmail-start, by signal.
qmail_tell() { local p c; p=${PIDS[0]%%:*}; for c in "$p" $(children "$p"); do [[ $(cat "/proc/$c/comm") == qmail-send ]] && kill "-$1" "$c"; done; true; }
qmail_flush() { qmail_tell ALRM; }
qmail_reload() { qmail_tell HUP; }
