# shellcheck shell=bash
# OpenSMTPD, unpacked into the cache and run in a chroot. --maps holds
# opensmtpd_recipients, one address or regular expression a line.

opensmtpd_install() {
  unpack_closure opensmtpd opensmtpd
  # What the package's maintainer script does: smtpctl talks to the queue by its group.
  chgrp 7812 "$CACHE/opensmtpd/root/usr/sbin/smtpctl"; chmod 2555 "$CACHE/opensmtpd/root/usr/sbin/smtpctl"
}

opensmtpd_start() {
  JAIL=opensmtpd
  jail_make opensmtpd
  jail_user opensmtpd 7811 /var/lib/opensmtpd/empty
  jail_user opensmtpq 7812 /var/lib/opensmtpd/empty
  local r=$DIR/root d doms=''
  mkdir -p "$r/var/spool/smtpd" "$r/var/lib/opensmtpd/empty" "$r/run/opensmtpd" "$r/var/empty"
  chmod 711 "$r/var/spool/smtpd" "$r/var/lib/opensmtpd/empty"
  LOG=$DIR/smtpd.log QUEUE=$r/var/spool/smtpd
  for d in "${DOMAINS[@]}"; do doms+="${doms:+, }\"$d\""; done
  [[ -n $MAPS ]] || die "opensmtpd needs --maps (the folder with opensmtpd_recipients)"
  [[ -e $MAPS/opensmtpd_recipients ]] || { : > "$MAPS/opensmtpd_recipients"; chown --reference="$MAPS" "$MAPS/opensmtpd_recipients"; }
  {
    cat <<C
# ---- what the list manager's documentation tells users to set ----
table mm_domains { $doms }
table mm_recipients file:/maps/opensmtpd_recipients
action "mailman" relay host "lmtp://127.0.0.1:$LMTP_PORT"
match from any for domain <mm_domains> rcpt-to regex <mm_recipients> action "mailman"
match from any for domain <mm_domains> reject
# ---- the laboratory's own settings ----
listen on 127.0.0.1 port $SMTP_PORT hostname $HOSTNAME_MTA
smtp max-message-size 50M
queue ttl 1h
C
    [[ -n $EXTRA ]] && cat "$EXTRA"
    [[ -n $SINK_PORT ]] && cat <<C
action "sink" relay host "smtp+notls://127.0.0.1:$SINK_PORT"
match from local for any action "sink"
C
    true
  } > "$r/etc/smtpd.conf"
  VERSION=$(jail_exec /usr/sbin/smtpd -h 2>&1 | sed -n 's/^version: *//p' || true)
  jail_exec /usr/sbin/smtpd -d -f /etc/smtpd.conf > "$LOG" 2>&1 < /dev/null &
  remember $!
}
opensmtpd_reload() { jail_exec /usr/sbin/smtpctl update table mm_recipients >/dev/null; }
opensmtpd_queue() { jail_exec /usr/sbin/smtpctl show queue; }
opensmtpd_flush() { jail_exec /usr/sbin/smtpctl schedule all; }
