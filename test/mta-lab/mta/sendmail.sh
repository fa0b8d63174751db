# shellcheck shell=bash
# Sendmail, unpacked into the cache and run in a chroot. --maps holds
# sendmail_lists: one line per address, the address and any word.

sendmail_install() { unpack_closure sendmail sendmail-bin sendmail-cf m4 dash; }

sendmail_start() {
  JAIL=sendmail
  jail_make sendmail
  jail_user smmta 7821 /var/lib/sendmail
  jail_user smmsp 7822 /var/lib/sendmail
  local r=$DIR/root
  mkdir -p "$r/var/spool/mqueue" "$r/etc/mail" "$r/run/sendmail/mta" "$r/var/lib/sendmail"
  chmod 755 "$DIR" "$r" "$r/etc" "$r/etc/mail" "$r/var" "$r/var/spool" "$r/run"
  chown 0:0 "$r/var/spool/mqueue"; chmod 700 "$r/var/spool/mqueue"
  chown 7821:7822 "$r/run/sendmail/mta"
  QUEUE=$r/var/spool/mqueue
  [[ -n $MAPS ]] || die "sendmail needs --maps (the folder with sendmail_lists)"
  [[ -e $MAPS/sendmail_lists ]] || { : > "$MAPS/sendmail_lists"; chown --reference="$MAPS" "$MAPS/sendmail_lists"; }
  : > "$r/etc/mail/local-host-names"; : > "$r/etc/mail/aliases"
  printf 'hosts files\naliases files\npasswd files\n' > "$r/etc/mail/service.switch"
  {
    cat <<C
divert(0)dnl
OSTYPE(\`debian')dnl
DOMAIN(\`generic')dnl
undefine(\`confHOST_STATUS_DIRECTORY')dnl
define(\`confDOMAIN_NAME', \`$HOSTNAME_MTA')dnl
define(\`confSERVICE_SWITCH_FILE', \`/etc/mail/service.switch')dnl
define(\`confDONT_PROBE_INTERFACES', \`True')dnl
define(\`confTO_IDENT', \`0')dnl
define(\`confPRIVACY_FLAGS', \`authwarnings,novrfy,noexpn')dnl
define(\`confQUEUE_LA', \`1000')dnl
define(\`confREFUSE_LA', \`1000')dnl
define(\`confDELAY_LA', \`1000')dnl
define(\`confLOG_LEVEL', \`9')dnl
define(\`confMIN_QUEUE_AGE', \`0')dnl
define(\`confTO_QUEUEWARN', \`')dnl
define(\`confDEF_CHAR_SET', \`utf-8')dnl
define(\`STATUS_FILE', \`/var/lib/sendmail/sendmail.st')dnl
define(\`confPID_FILE', \`/run/sendmail/mta/sendmail.pid')dnl
define(\`confBIND_OPTS', \`')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unqualified_senders')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`relay_entire_domain')dnl
DAEMON_OPTIONS(\`Family=inet, Name=MTA, Addr=127.0.0.1, Port=$SMTP_PORT')dnl
C
    [[ -n $SINK_PORT ]] && cat <<C
define(\`RELAY_MAILER_ARGS', \`TCP \$h $SINK_PORT')dnl
define(\`SMART_HOST', \`relay:[127.0.0.1]')dnl
C
    [[ -n $EXTRA ]] && cat "$EXTRA"
    cat <<C
MAILER(\`smtp')dnl
dnl ---- what the list manager's documentation tells users to add ----
LOCAL_CONFIG
C{MM3Domains} ${DOMAINS[*]}
Kmm3lists text -o -f -k0 -v1 /maps/sendmail_lists

LOCAL_RULE_0
R\$+ < @ \$={MM3Domains} . > \$*	\$#mm3lmtp \$@ [127.0.0.1] \$: \$1 < @ \$2 . > \$3

LOCAL_RULESETS
SLocal_check_rcpt
R\$*	\$: \$>CanonAddr \$1
R\$+ < @ \$={MM3Domains} . > \$*	\$: <MM3> \$1 @ \$2
R\$+ < @ \$={MM3Domains} > \$*	\$: <MM3> \$1 @ \$2
R<MM3> \$+ + \$* @ \$+	\$: <MM3> \$1 @ \$3
R<MM3> \$+	\$: <MM3> \$(mm3lists \$1 \$: NOLIST \$)
R<MM3> NOLIST	\$#error \$@ 5.1.1 \$: "550 5.1.1 No such list"
R<MM3> \$+	\$#OK

MAILER_DEFINITIONS
Mmm3lmtp,	P=[IPC], F=mDFMuXzk8, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP/HdrFromSMTP, E=\\r\\n, L=990,
		T=DNS/RFC822/SMTP,
		A=TCP \$h $LMTP_PORT
C
  } > "$r/etc/mail/sendmail.mc"
  jail_exec /bin/sh -c 'cd /usr/share/sendmail/cf && m4 m4/cf.m4 /etc/mail/sendmail.mc > /etc/mail/sendmail.cf' 2> "$DIR/m4.log" || { cat "$DIR/m4.log" >&2; die "sendmail.mc does not build"; }
  chmod 644 "$r/etc/mail/sendmail.cf"
  VERSION="Sendmail $(jail_exec /usr/libexec/sendmail/sendmail -d0.4 -bv root 2>/dev/null < /dev/null | sed -n '1s/^Version //p' || true)"
  jail_syslog
  jail_exec /usr/libexec/sendmail/sendmail -bD -q5s > "$DIR/start.log" 2>&1 < /dev/null &
  remember $!
}
sendmail_queue() { jail_exec /usr/libexec/sendmail/sendmail -bp; }
sendmail_flush() { jail_exec /usr/libexec/sendmail/sendmail -q; }
