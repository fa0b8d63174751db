# shellcheck shell=bash
# Courier MTA, unpacked into the cache and run in a chroot: the configuration that Debian's package makes when it is
# installed, with the laboratory's ports in it. It delivers by LMTP to nobody; as with qmail, a command in .courier files
# does. --maps is the home of the user mailman, at its own path. What it has to know of the lists is written between
# prepare and up, by `posthorn hookup courier`.

courier_install() {
  unpack_closure courier courier-mta courier-authlib courier-authlib-userdb dash coreutils findutils sed grep
  # What the package's maintainer script does.
  local b=$CACHE/courier/root/usr
  chown 7831:7831 "$b/lib/courier/courier/submitmkdir" "$b/bin/cancelmsg" "$b/bin/mailq"
  ln -sf ../lib/courier/makedat "$b/bin/makedat"
  chmod 4755 "$b/lib/courier/courier/submitmkdir"; chmod 6755 "$b/bin/cancelmsg"; chmod 2755 "$b/bin/mailq"
}

courier_prepare() {
  JAIL=courier
  [[ -n $MAPS ]] || die "courier needs --maps (the list user's home, with its .courier files)"
  local node; node=$(readlink -f "$(command -v node)") || die "courier needs node"
  JAIL_BINDS="$node /opt/node"$'\n'"$MAPS $MAPS"$'\n'
  jail_make courier
  jail_user courier 7831 /var/lib/courier
  jail_user mailman 7832 "$MAPS"
  sed -i 's#^\(mailman:.*\):/usr/sbin/nologin#\1:/bin/sh#' "$DIR/root/etc/passwd"
  local r=$DIR/root e=$DIR/root/etc/courier v=$DIR/root/var/lib/courier x
  QUEUE=$v/msgs VERSION="Courier 1.0.16"
  mkdir -p "$r/run/courier/authdaemon" "$v"
  : > "$r/etc/environment"
  for x in allfilters faxtmp filters msgq msgs track tmp calendar sts; do mkdir -p "$v/$x"; chown 7831:7831 "$v/$x"; chmod 750 "$v/$x"; done
  chmod 770 "$v/tmp"; chown 7831:7831 "$v" "$r/run/courier" "$r/run/courier/authdaemon"; chmod 755 "$v"
  # What Debian's package writes when it is installed, `me` aside: there the host's own name does.
  for x in aliases aliasdir filters filters/active; do chown 0:7831 "$e/$x"; chmod 750 "$e/$x"; done
  chown 0:7831 "$e/aliases/system"; chmod 640 "$e/aliases/system"
  echo "$HOSTNAME_MTA" > "$e/me"; echo "$HOSTNAME_MTA" > "$e/defaultdomain"
  printf 'localhost\n%s\n' "$HOSTNAME_MTA" > "$e/locals"
  [[ -n $SINK_PORT ]] && echo ":[127.0.0.1],$SINK_PORT /SECURITY=NONE" > "$e/esmtproutes"
  # Courier asks the DNS for an MTA-STS policy even of a route, and waits minutes for an
  # answer. To send to this address is refused at once by the kernel, so it goes on.
  echo 'nameserver 255.255.255.255' > "$r/etc/resolv.conf"
  echo 10s > "$e/retryalpha"; echo 10s > "$e/retrygamma"; echo 5s > "$e/queuefill"
  sed -i 's/^authmodulelist=.*/authmodulelist="authuserdb authpam"/' "$e/authdaemonrc"
  sed -i "s/^BOFHCHECKDNS=.*/BOFHCHECKDNS=0/; s/^MAXPERIP=.*/MAXPERIP=100/; s/^MAXPERC=.*/MAXPERC=100/; s/^TARPIT=.*/TARPIT=0/; s/^MAXDAEMONS=.*/MAXDAEMONS=100/" "$e/esmtpd"
  sed -i "s/^PORT=.*/PORT=$SMTP_PORT/; s/^TCPDOPTS=.*/TCPDOPTS=\"-stderrlogger=\/usr\/sbin\/courierlogger -noidentlookup -nodnslookup\"/; s/^[# ]*ADDRESS=.*/ADDRESS=127.0.0.1/" "$e/esmtpd"
  grep -q '^ADDRESS=' "$e/esmtpd" || echo 'ADDRESS=127.0.0.1' >> "$e/esmtpd"
  jail_etc
  LOG=$r/var/log/mail.log; : > "$LOG"; chmod 666 "$LOG"
  jail_exec /bin/sh -c 'LC_ALL=C; export LC_ALL; /usr/sbin/makealiases; cd /; /usr/sbin/makesmtpaccess; /usr/sbin/makehosteddomains; /usr/sbin/makeacceptmailfor' > "$DIR/start.log" 2>&1 || say "courier: $(tail -3 "$DIR/start.log")"
}

courier_start() { courier_prepare; courier_run; }
courier_run() {
  jail_syslog
  jail_exec /bin/sh -c 'set -a; . /etc/courier/authdaemonrc; exec /usr/lib/courier/courier-authlib/authdaemond' >> "$DIR/start.log" 2>&1 < /dev/null &
  remember $!
  jail_exec /usr/bin/env -i /bin/sh -c 'cd /usr; set -a; . /etc/courier/courierd; exec /usr/lib/courier/courier/courierd' >> "$DIR/start.log" 2>&1 < /dev/null &
  remember $!
  # couriertcpd goes into the background by itself.
  rm -f "$DIR/root/run/courier/esmtpd.pid"
  jail_exec /usr/sbin/esmtpd start >> "$DIR/start.log" 2>&1 < /dev/null
  local end=$((SECONDS + 5)) f=$DIR/root/run/courier/esmtpd.pid
  until [[ -s $f ]] || ((SECONDS >= end)); do sleep 0.02; done
  remember "$(cat "$f")"
}
courier_queue() { jail_exec /usr/bin/mailq; }
courier_flush() { jail_exec /usr/sbin/courier flush; }
