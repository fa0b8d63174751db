# shellcheck shell=bash
# Dovecot, unpacked into the cache and run in a chroot: Debian's own configuration, and behind it what --etc gives as
# dovecot/local.conf. It is no mail server: mail comes in over its submission service alone, and goes on to the sink.

dovecot_install() {
  unpack_closure dovecot dovecot-core dovecot-submissiond coreutils perl
  # What the package's maintainer script does.
  # shellcheck disable=SC2016
  echo 'protocols = $protocols submission' > "$CACHE/dovecot/root/usr/share/dovecot/protocols.d/submissiond.protocol"
}

dovecot_prepare() {
  JAIL=dovecot
  jail_make dovecot
  jail_user dovecot 7841 /usr/lib/dovecot
  jail_user dovenull 7842 /nonexistent
  local r=$DIR/root e=$DIR/root/etc/dovecot share=$CACHE/dovecot/root/usr/share/dovecot
  mkdir -p "$e/private" "$r/run/dovecot" "$r/var/lib/dovecot"
  cp -r "$share/dovecot.conf" "$share/conf.d" "$e/"
  cp "$HERE/tls/localhost.cert.pem" "$e/private/dovecot.pem"
  cp "$HERE/tls/localhost.key.pem" "$e/private/dovecot.key"
  LOG=$r/var/log/mail.log QUEUE=
  [[ -n $SINK_PORT ]] || die "dovecot needs --sink-port: it keeps no queue"
  cat > "$e/conf.d/99-laboratory.conf" <<C
hostname = $HOSTNAME_MTA
log_path = /var/log/mail.log
listen = 127.0.0.1
submission_relay_host = 127.0.0.1
submission_relay_port = $SINK_PORT
service submission-login {
  inet_listener submission {
    port = $SMTP_PORT
  }
  # The other port that Debian's version opens.
  inet_listener submissions {
    port = 0
  }
}
C
  jail_etc
}

dovecot_start() { dovecot_prepare; dovecot_run; }
dovecot_run() {
  VERSION="Dovecot $(jail_exec /usr/sbin/dovecot --version)"
  jail_exec /usr/sbin/dovecot -F > "$DIR/start.log" 2>&1 < /dev/null &
  remember $!
}
dovecot_pids() { remember "$(cat "$DIR/root/run/dovecot/master.pid")"; }
