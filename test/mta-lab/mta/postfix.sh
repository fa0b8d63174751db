# shellcheck shell=bash
# Postfix: the host's own package, as a second instance with a configuration,
# queue and data folder of its own. postmap is then on the host too, as the list
# manager needs for hash: tables.

postfix_install() {
  if [[ ! -x /usr/sbin/postfix || ! -e /usr/lib/postfix/postfix-lmdb.so ]]; then
    say "postfix: installing the packages (not started, not configured)"
    # Keeps the package's own service from starting on port 25.
    local guard=/usr/sbin/policy-rc.d made=
    [[ -e $guard ]] || { printf '#!/bin/sh\nexit 101\n' > "$guard"; chmod +x "$guard"; made=1; }
    apt-get -qq update >&2 || true
    echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections 2>/dev/null || true
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends postfix postfix-lmdb >&2 || { [[ -z $made ]] || rm -f "$guard"; die "apt-get install postfix failed"; }
    [[ -z $made ]] || rm -f "$guard"
  fi
  # The list server runs postmap, and postmap reads a main.cf before all else; the package sets none up.
  [[ -e /etc/postfix/main.cf ]] || echo 'compatibility_level = 3.6' > /etc/postfix/main.cf
  say "postfix: $(/usr/sbin/postconf -d -h mail_version)"
}

postfix_start() {
  [[ -x /usr/sbin/postfix ]] || postfix_install
  local conf=$DIR/conf type=hash d f
  # On another host (a network namespace) it listens where inet_interfaces says.
  local SMTP_LISTEN=127.0.0.1:; [[ -n $EXTRA ]] && grep -q '^inet_interfaces = all' "$EXTRA" && SMTP_LISTEN=
  local -a tables=(postfix_lmtp postfix_domains)
  LOG=$DIR/maillog QUEUE=$DIR/queue
  VERSION="Postfix $(/usr/sbin/postconf -d -h mail_version)"
  chmod 755 "$DIR"
  mkdir -p "$conf" "$DIR/queue" "$DIR/data"
  chown postfix "$DIR/data"; chmod 700 "$DIR/data"
  : > "$LOG"
  case $MTA in
  postfix-hash) tables+=(postfix_routes) ;;
  postfix-regexp) type=regexp ;;
  postfix-vmap) tables+=(postfix_routes postfix_vmap) ;;
  esac
  if [[ $MTA != postfix-verify && $MTA != postfix-bare ]]; then
    [[ -n $MAPS ]] || die "$MTA needs --maps (the folder with postfix_lmtp and postfix_domains)"
    # A table that does not exist yet makes Postfix answer 451 to everything.
    for f in "${tables[@]}"; do
      [[ -e $MAPS/$f ]] || { : > "$MAPS/$f"; chown --reference="$MAPS" "$MAPS/$f"; }
      # Written as the folder's owner: Postfix opens no .db that it could not trust,
      # and the list manager has to be able to replace it.
      if [[ $type == hash && ! -e $MAPS/$f.db ]]; then
        postmap_plain "$MAPS/$f" || die "postmap $MAPS/$f failed"
        chown --reference="$MAPS" "$MAPS/$f.db"
      fi
    done
  fi
  {
    cat <<C
compatibility_level = 3.6
queue_directory = $DIR/queue
data_directory = $DIR/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = $LOG
maillog_file_prefixes = $DIR
myhostname = $HOSTNAME_MTA
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
disable_dns_lookups = yes
alias_maps =
biff = no
notify_classes =
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_tls_security_level = none
smtp_tls_security_level = none
# Retries soon enough for a test to see them.
queue_run_delay = 5s
minimal_backoff_time = 5s
maximal_backoff_time = 20s
C
    # postfix-bare knows nothing of lists: `posthorn hookup postfix --write` does the rest.
    [[ $MTA == postfix-bare ]] || cat <<C

# ---- what the list manager's documentation tells users to set ----
recipient_delimiter = +
unknown_local_recipient_reject_code = 550
unknown_relay_recipient_reject_code = 550
owner_request_special = no
C
    case $MTA in
      postfix-hash|postfix-regexp) cat <<C
# postfix_routes has a line for each domain that is for lists alone. It gives the first post of a new list its
# way: trivial-rewrite(8) sees a changed postfix_lmtp only after 10 s, and relays the post to the world until then.
transport_maps = $type:$MAPS/postfix_lmtp$([[ $type == hash ]] && echo " hash:$MAPS/postfix_routes")
local_recipient_maps = $type:$MAPS/postfix_lmtp
relay_domains = $type:$MAPS/postfix_domains
# Without this one, unknown lists of a relay domain are accepted, and bounce later.
relay_recipient_maps = $type:$MAPS/postfix_lmtp
C
      ;;
      postfix-vmap) cat <<C
transport_maps = hash:$MAPS/postfix_lmtp hash:$MAPS/postfix_routes
relay_domains = hash:$MAPS/postfix_domains
relay_recipient_maps = hash:$MAPS/postfix_lmtp
virtual_alias_domains = ${DOMAINS[*]}
virtual_alias_maps = hash:$MAPS/postfix_vmap
C
      ;;
      postfix-verify)
        local t='' r=''
        for d in "${DOMAINS[@]}"; do t+=" { $d = lmtp:[127.0.0.1]:$LMTP_PORT }"; r+=" { $d = reject_unverified_recipient }"; done
        cat <<C
transport_maps = inline:{$t }
relay_domains = ${DOMAINS[*]}
relay_recipient_maps =
smtpd_recipient_restrictions = check_recipient_access inline:{$r }, permit_mynetworks, reject_unauth_destination
unverified_recipient_reject_code = 550
# By default, an address tried before its list was made stays refused for 3 days.
# (Never address_verify_negative_cache = no: unknown lists then get 450 for ever.)
address_verify_negative_expire_time = 10s
address_verify_negative_refresh_time = 10s
address_verify_poll_delay = 1s
C
      ;;
    esac
    [[ -n $SINK_PORT ]] && echo "relayhost = [127.0.0.1]:$SINK_PORT"
    [[ -n $EXTRA ]] && cat "$EXTRA"
    true
  } > "$conf/main.cf"
  # What --extra says counts alone: a setting that stands twice is a warning in each process, and postlogd, which
  # would have to log its own, then waits for itself.
  awk 'function key(line) { return match(line, /^[a-z0-9_]+[ \t]*=/) ? substr(line, 1, index(line, "=")) : "" }
       NR == FNR { gsub(/[ \t]*=/, "=", $0); if (key($0) != "") last[key($0)] = FNR; next }
       { plain = $0; gsub(/[ \t]*=/, "=", plain); k = key(plain)
         if (k != "") gone = last[k] != FNR; else if ($0 !~ /^[ \t]/) gone = 0
         if (!gone) print }' "$conf/main.cf" "$conf/main.cf" > "$conf/main.cf.once"
  mv "$conf/main.cf.once" "$conf/main.cf"
  cat > "$conf/master.cf" <<C
$SMTP_LISTEN$SMTP_PORT inet n - n - - smtpd
pickup     unix  n - n 60 1 pickup
cleanup    unix  n - n - 0 cleanup
qmgr       unix  n - n 300 1 qmgr
tlsmgr     unix  - - n 1000? 1 tlsmgr
rewrite    unix  - - n - - trivial-rewrite
bounce     unix  - - n - 0 bounce
defer      unix  - - n - 0 bounce
trace      unix  - - n - 0 bounce
verify     unix  - - n - 1 verify
flush      unix  n - n 1000? 0 flush
proxymap   unix  - - n - - proxymap
proxywrite unix  - - n - 1 proxymap
smtp       unix  - - n - - smtp
relay      unix  - - n - - smtp
showq      unix  n - n - - showq
error      unix  - - n - - error
retry      unix  - - n - - error
discard    unix  - - n - - discard
local      unix  - n n - - local
virtual    unix  - n n - - virtual
lmtp       unix  - - n - - lmtp
anvil      unix  - - n - 1 anvil
scache     unix  - - n - 1 scache
postlog    unix-dgram n - n - 1 postlogd
C
  /usr/sbin/postfix -c "$conf" start >> "$DIR/start.log" 2>&1 || { cat "$DIR/start.log" "$LOG" >&2; die "postfix start failed"; }
  local pid='' end=$((SECONDS + 5))
  until pid=$(tr -d ' ' < "$DIR/queue/pid/master.pid" 2>/dev/null || true); [[ -n $pid ]] || ((SECONDS >= end)); do sleep 0.05; done
  [[ -n $pid ]] || die "postfix did not start: $(tail -3 "$LOG")"
  remember "$pid"
}
# postmap without any main.cf
postmap_plain() { mkdir -p "$DIR/boot"; : > "$DIR/boot/main.cf"; /usr/sbin/postmap -c "$DIR/boot" "hash:$1"; }
postfix_reload() { /usr/sbin/postfix -c "$DIR/conf" reload >/dev/null 2>&1; }
postfix_queue() { /usr/sbin/postqueue -c "$DIR/conf" -p; }
postfix_flush() { /usr/sbin/postqueue -c "$DIR/conf" -f; }
