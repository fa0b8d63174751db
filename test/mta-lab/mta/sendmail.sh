# shellcheck shell=bash
# Sendmail, unpacked into the cache and run in a chroot: Debian's own sendmail.mc with the laboratory's ports in it. The
# lines for lists come behind it (what `posthorn hookup sendmail` prints), between prepare and up.

# coreutils, sed, hostname: m4 starts them while it makes sendmail.cf.
sendmail_install() { unpack_closure sendmail sendmail-bin sendmail-cf m4 dash coreutils sed hostname; }

sendmail_prepare() {
  JAIL=sendmail
  jail_make sendmail
  jail_user smmta 7821 /var/lib/sendmail
  jail_user smmsp 7822 /var/lib/sendmail
  local r=$DIR/root share=$CACHE/sendmail/root/usr/share/sendmail
  mkdir -p "$r/var/spool/mqueue" "$r/etc/mail/m4" "$r/run/sendmail/mta" "$r/run/sendmail/stampdir" "$r/var/lib/sendmail"
  chmod 755 "$DIR" "$r" "$r/etc" "$r/etc/mail" "$r/var" "$r/var/spool" "$r/run"
  chown 0:0 "$r/var/spool/mqueue"; chmod 700 "$r/var/spool/mqueue"
  QUEUE=$r/var/spool/mqueue LOG=$r/var/log/mail.log
  # Posthorn's folder has the path that it has outside, so that the lines of its manual work as they are.
  [[ -z $MAPS ]] || JAIL_BINDS+="$MAPS $MAPS"$'\n'
  : > "$r/etc/mail/local-host-names"; : > "$r/etc/mail/aliases"; : > "$r/etc/mail/relay-domains"
  : > "$r/etc/mail/m4/dialup.m4"; : > "$r/etc/mail/m4/provider.m4"
  printf 'hosts files\naliases files\npasswd files\n' > "$r/etc/mail/service.switch"
  cp "$share/examples/db/access" "$r/etc/mail/access"
  {
    sed '/^dnl # Default Mailer setup/,$d; /Name=MSP-v4/d; s/Port=smtp, Addr=127/Port='"$SMTP_PORT"', Addr=127/' "$share/cf/debian/sendmail.mc"
    cat <<C
dnl # ---- the laboratory's own settings ----
define(\`confDOMAIN_NAME', \`$HOSTNAME_MTA')dnl
define(\`confSERVICE_SWITCH_FILE', \`/etc/mail/service.switch')dnl
define(\`confDONT_PROBE_INTERFACES', \`True')dnl
define(\`confTO_IDENT', \`0')dnl
define(\`confLOG_LEVEL', \`9')dnl
define(\`confMIN_QUEUE_AGE', \`0')dnl
undefine(\`confCONNECTION_RATE_THROTTLE')dnl
undefine(\`confBAD_RCPT_THROTTLE')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unresolvable_domains')dnl
C
    [[ -n $SINK_PORT ]] && cat <<C
define(\`RELAY_MAILER_ARGS', \`TCP \$h $SINK_PORT')dnl
define(\`SMART_HOST', \`relay:[127.0.0.1]')dnl
C
    sed -n '/^dnl # Default Mailer setup/,$p' "$share/cf/debian/sendmail.mc"
    [[ -z $EXTRA ]] || cat "$EXTRA"
  } > "$r/etc/mail/sendmail.mc"
  jail_etc
}

sendmail_start() { sendmail_prepare; sendmail_run; }
sendmail_run() {
  sendmail_make
  VERSION="Sendmail $(jail_exec /usr/libexec/sendmail/sendmail -d0.4 -bv root 2>/dev/null < /dev/null | sed -n '1s/^Version //p' || true)"
  jail_syslog
  jail_exec /usr/libexec/sendmail/sendmail -bD -q5s > "$DIR/start.log" 2>&1 < /dev/null &
  remember $!
}
# What `make -C /etc/mail` does on a whole Debian.
sendmail_make() {
  jail_exec /bin/sh -c 'cd /etc/mail && m4 sendmail.mc > sendmail.cf && /usr/libexec/sendmail/makemap hash access < access' 2> "$DIR/m4.log" ||
    { cat "$DIR/m4.log" >&2; die "sendmail.mc does not build"; }
}
sendmail_queue() { jail_exec /usr/libexec/sendmail/sendmail -bp; }
sendmail_flush() { jail_exec /usr/libexec/sendmail/sendmail -q; }
