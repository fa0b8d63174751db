# shellcheck shell=bash
# OpenSMTPD, unpacked into the cache and run in a chroot: Debian's own smtpd.conf with the laboratory's ports in it. The
# lines for lists come before its rules (what `posthorn hookup opensmtpd` prints), between prepare and up.

# coreutils: the doctor reads files in the chroot by cat and stat.
opensmtpd_install() {
  unpack_closure opensmtpd opensmtpd coreutils
  # What the package's maintainer script does: smtpctl talks to the queue by its group.
  chgrp 7812 "$CACHE/opensmtpd/root/usr/sbin/smtpctl"; chmod 2555 "$CACHE/opensmtpd/root/usr/sbin/smtpctl"
}

opensmtpd_prepare() {
  JAIL=opensmtpd
  jail_make opensmtpd
  jail_user opensmtpd 7811 /var/lib/opensmtpd/empty
  jail_user opensmtpq 7812 /var/lib/opensmtpd/empty
  local r=$DIR/root
  mkdir -p "$r/var/spool/smtpd" "$r/var/lib/opensmtpd/empty" "$r/run/opensmtpd" "$r/var/empty"
  chmod 711 "$r/var/spool/smtpd" "$r/var/lib/opensmtpd/empty"
  LOG=$DIR/smtpd.log QUEUE=$r/var/spool/smtpd
  # Posthorn's folder has the path that it has outside, so that the lines of its manual work as they are.
  [[ -z $MAPS ]] || JAIL_BINDS+="$MAPS $MAPS"$'\n'
  : > "$r/etc/aliases"
  {
    sed "s/^listen on localhost\$/listen on 127.0.0.1 port $SMTP_PORT hostname $HOSTNAME_MTA/" \
      "$CACHE/opensmtpd/root/etc/smtpd.conf" |
      if [[ -n $SINK_PORT ]]; then
        sed "s|^action \"relay\" relay\$|action \"relay\" relay host \"smtp+notls://127.0.0.1:$SINK_PORT\"|"
      else cat; fi
    [[ -z $EXTRA ]] || cat "$EXTRA"
  } > "$r/etc/smtpd.conf"
  jail_etc
}

opensmtpd_start() { opensmtpd_prepare; opensmtpd_run; }
opensmtpd_run() {
  VERSION=$(jail_exec /usr/sbin/smtpd -h 2>&1 | sed -n 's/^version: *//p' || true)
  jail_exec /usr/sbin/smtpd -d -f /etc/smtpd.conf > "$LOG" 2>&1 < /dev/null &
  remember $!
}
opensmtpd_reload() { jail_exec /usr/sbin/smtpctl update table posthorn_recipients >/dev/null; }
opensmtpd_queue() { jail_exec /usr/sbin/smtpctl show queue; }
opensmtpd_flush() { jail_exec /usr/sbin/smtpctl schedule all; }
