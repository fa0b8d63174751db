# shellcheck shell=bash
# Exim 4, unpacked into the cache and run in a chroot. --maps is the list
# manager's var folder: the markers are its lists/NAME.DOMAIN entries.

# coreutils, sed, grep and the like: update-exim4.conf runs in the chroot.
exim_install() { unpack_closure exim exim4-daemon-light exim4-config dash coreutils sed grep util-linux hostname; }

# Below --etc, exim4/exim4.conf takes the place of what is written here; exim4/update-exim4.conf.conf makes it
# Debian's own configuration, put together by update-exim4.conf.
exim_prepare() {
  JAIL=exim
  jail_make exim
  jail_user Debian-exim 7801 /var/spool/exim4
  jail_user uucp 10 /var/spool/uucp # whom Debian trusts
  local r=$DIR/root d doms='' var
  mkdir -p "$r/var/spool/exim4" "$r/var/log/exim4" "$r/etc/exim4" "$r/var/lib/exim4"
  chown -R 7801:7801 "$r/var/spool/exim4" "$r/var/log/exim4"
  LOG=$r/var/log/exim4/mainlog QUEUE=$r/var/spool/exim4/input
  # Posthorn's folder has the path that it has outside, so that the lines of its manual work as they are.
  [[ -z $MAPS ]] || JAIL_BINDS+="$MAPS $MAPS"$'\n'
  for d in "${DOMAINS[@]}"; do doms+="${doms:+ : }$d"; done
  var=${MAPS:+/maps}
  {
    cat <<C
primary_hostname = $HOSTNAME_MTA
# ---- main section: what the list manager's documentation tells users to set ----
domainlist mm_domains = $doms
MM3_LMTP_PORT = $LMTP_PORT
C
    [[ $MTA == exim ]] && cat <<C
MM3_HOME = ${var:-/nonexistent}
MM3_LISTCHK = MM3_HOME/lists/\${local_part}.\${domain}
C
    cat <<'C'
# ---- the laboratory's own settings ----
hostlist relay_from_hosts = 127.0.0.1
local_interfaces = 127.0.0.1
tls_advertise_hosts =
rfc1413_hosts =
host_lookup =
keep_environment =
timezone = UTC
log_selector = +smtp_confirmation +received_recipients
smtp_accept_max = 100
smtp_accept_queue_per_connection = 0
smtp_accept_reserve = 0
recipients_max = 5000
acl_smtp_rcpt = acl_check_rcpt
acl_smtp_data = accept
C
    cat <<C
daemon_smtp_ports = $SMTP_PORT
C
    [[ -n $EXTRA ]] && cat "$EXTRA"
    cat <<'C'

begin acl
acl_check_rcpt:
C
    if [[ $MTA == exim-callout ]]; then cat <<'C'
  # Asks the LMTP server by RCPT. no_cache: else a refused name stays refused for 2 hours.
  deny domains = +mm_domains
       message = ${if def:acl_verify_message {$acl_verify_message}{Unrouteable address}}
       !verify = recipient/callout=10s,no_cache
C
    else cat <<'C'
  deny domains = +mm_domains
       message = Unrouteable address
       !verify = recipient
C
    fi
    cat <<'C'
  accept domains = +mm_domains
  accept hosts = +relay_from_hosts
  deny message = relay not permitted

begin routers
mailman3_router:
  driver = accept
  domains = +mm_domains
C
    [[ $MTA == exim ]] && cat <<'C'
  require_files = MM3_LISTCHK
  local_part_suffix_optional
  local_part_suffix = -bounces : -bounces+* : \
                      -confirm : -confirm+* : \
                      -join : -leave : \
                      -owner : -request : \
                      -subscribe : -unsubscribe
C
    cat <<'C'
  transport = mailman3_transport

C
    [[ -n $SINK_PORT ]] && cat <<'C'
everything_else:
  driver = manualroute
  domains = ! +mm_domains
  route_list = * 127.0.0.1 byname
  self = send
  transport = to_sink

C
    cat <<'C'
begin transports
mailman3_transport:
  driver = smtp
  protocol = lmtp
  allow_localhost
  hosts = 127.0.0.1
  port = MM3_LMTP_PORT
  rcpt_include_affixes = true
C
    [[ -n $SINK_PORT ]] && cat <<C

to_sink:
  driver = smtp
  allow_localhost
  port = $SINK_PORT
  hosts_avoid_tls = *
  max_rcpt = 100
C
    cat <<'C'

begin retry
* * F,1h,5s
C
  } > "$r/etc/exim4/exim4.conf"
  chmod 644 "$r/etc/exim4/exim4.conf"
  if [[ -n $ETC && -f $ETC/exim4/update-exim4.conf.conf && ! -f $ETC/exim4/exim4.conf ]]; then rm "$r/etc/exim4/exim4.conf"; fi
  jail_etc
}

exim_start() { exim_prepare; exim_run; }
exim_run() {
  [[ -f $DIR/root/etc/exim4/exim4.conf ]] || jail_exec /usr/sbin/update-exim4.conf
  VERSION=$(jail_exec /usr/sbin/exim4 -bV 2>/dev/null | sed -n '1s/^Exim version \([^ ]*\).*/Exim \1/p')
  jail_exec /usr/sbin/exim4 -bdf -q5s > "$DIR/start.log" 2>&1 < /dev/null &
  remember $!
}
exim_queue() { jail_exec /usr/sbin/exim4 -bp; }
exim_flush() { jail_exec /usr/sbin/exim4 -qff; }
