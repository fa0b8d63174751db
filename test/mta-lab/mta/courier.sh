# shellcheck shell=bash
# Courier MTA, unpacked into the cache and run in a chroot. It delivers by LMTP to
# nobody; as with qmail, a command in the list user's .courier files does. --maps is
# that user's home: .courier-NAME and .courier-NAME-default for each list.

courier_install() {
  unpack_closure courier courier-mta courier-authlib courier-authlib-userdb dash coreutils findutils sed grep
  # What the package's maintainer script does.
  local b=$CACHE/courier/root/usr
  chown 7831:7831 "$b/lib/courier/courier/submitmkdir" "$b/bin/cancelmsg" "$b/bin/mailq"
  ln -sf ../lib/courier/makedat "$b/bin/makedat"
  chmod 4755 "$b/lib/courier/courier/submitmkdir"; chmod 6755 "$b/bin/cancelmsg"; chmod 2755 "$b/bin/mailq"
}

courier_start() {
  JAIL=courier
  [[ -n $MAPS ]] || die "courier needs --maps (the list user's home, with its .courier files)"
  local node; node=$(readlink -f "$(command -v node)") || die "courier needs node"
  JAIL_BINDS="$node /opt/node"$'\n'"$HERE /opt/lab"$'\n'
  jail_make courier
  jail_user courier 7831 /var/lib/courier
  jail_user mailman 7832 /maps
  sed -i 's#^\(mailman:.*\):/usr/sbin/nologin#\1:/bin/sh#' "$DIR/root/etc/passwd"
  local r=$DIR/root e=$DIR/root/etc/courier v=$DIR/root/var/lib/courier d x
  QUEUE=$v/msgs VERSION="Courier 1.0.16"
  mkdir -p "$r/run/courier/authdaemon" "$v"
  : > "$r/etc/environment"
  for x in allfilters faxtmp filters msgq msgs track tmp calendar sts; do mkdir -p "$v/$x"; chown 7831:7831 "$v/$x"; chmod 750 "$v/$x"; done
  chmod 770 "$v/tmp"; chown 7831:7831 "$v" "$r/run/courier" "$r/run/courier/authdaemon"; chmod 755 "$v"
  chown -R 0:7831 "$e/aliases" "$e/aliasdir" "$e/filters"; chmod 750 "$e/aliases" "$e/aliasdir" "$e/filters"
  echo "$HOSTNAME_MTA" > "$e/me"; echo "$HOSTNAME_MTA" > "$e/locals"; echo "$HOSTNAME_MTA" > "$e/defaultdomain"
  : > "$e/esmtpacceptmailfor"; : > "$e/aliases/system"
  for d in "${DOMAINS[@]}"; do
    echo "$d" >> "$e/esmtpacceptmailfor"
    echo "@$d: mailman" >> "$e/aliases/system"
  done
  { echo "postmaster: nobody-postmaster@$HOSTNAME_MTA"; } >> "$e/aliases/system"
  chown -R 0:7831 "$e/aliases"; chmod 640 "$e/aliases/system"
  [[ -n $SINK_PORT ]] && echo ":[127.0.0.1],$SINK_PORT /SECURITY=NONE" > "$e/esmtproutes"
  # Courier asks the DNS for an MTA-STS policy even of a route, and waits minutes for an
  # answer. To send to this address is refused at once by the kernel, so it goes on.
  echo 'nameserver 255.255.255.255' > "$r/etc/resolv.conf"
  rm -f "$e"/smtpaccess/*; printf '127.0.0.1\tallow,RELAYCLIENT\n' > "$e/smtpaccess/default"
  : > "$e/locallowercase"     # list names in any case
  echo 10s > "$e/retryalpha"; echo 10s > "$e/retrygamma"; echo 5s > "$e/queuefill"
  sed -i 's/^authmodulelist=.*/authmodulelist="authpam"/' "$e/authdaemonrc"
  sed -i "s/^BOFHCHECKDNS=.*/BOFHCHECKDNS=0/; s/^MAXPERIP=.*/MAXPERIP=100/; s/^MAXPERC=.*/MAXPERC=100/; s/^TARPIT=.*/TARPIT=0/; s/^MAXDAEMONS=.*/MAXDAEMONS=100/" "$e/esmtpd"
  jail_syslog
  jail_exec /bin/sh -c 'LC_ALL=C; export LC_ALL; /usr/sbin/makealiases && cd / && /usr/sbin/makesmtpaccess' > "$DIR/start.log" 2>&1 || say "courier: $(tail -3 "$DIR/start.log")"
  jail_exec /bin/sh -c 'set -a; . /etc/courier/authdaemonrc; exec /usr/lib/courier/courier-authlib/authdaemond' >> "$DIR/start.log" 2>&1 < /dev/null &
  remember $!
  jail_exec /usr/bin/env -i /bin/sh -c 'cd /usr; set -a; . /etc/courier/courierd; exec /usr/lib/courier/courier/courierd' >> "$DIR/start.log" 2>&1 < /dev/null &
  remember $!
  jail_exec /usr/bin/env -i SMTP_PORT="$SMTP_PORT" /bin/sh -c 'cd /usr; sysconfdir=/etc/courier; set -a; . /etc/courier/esmtpd; ESMTPAUTH=; ESMTPAUTH_TLS=
    exec /usr/sbin/couriertcpd -address=127.0.0.1 -stderrlogger=/usr/sbin/courierlogger -stderrloggername=courieresmtpd -maxprocs=100 -maxperc=100 -maxperip=100 \
      -nodnslookup -noidentlookup -access=/etc/courier/smtpaccess.dat -user=courier -group=courier "$SMTP_PORT" /usr/sbin/courieresmtpd' >> "$DIR/start.log" 2>&1 < /dev/null &
  remember $!
}
courier_queue() { jail_exec /usr/bin/mailq; }
courier_flush() { jail_exec /usr/sbin/courier flush; }
