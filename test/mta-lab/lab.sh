#!/bin/bash
# Starts and stops the real mail servers of test/mta: unprivileged ports on the loopback address,
# all state below one folder. README.md tells what each shows and what it was seen to stumble over.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${MTA_LAB_CACHE:-${XDG_CACHE_HOME:-/var/cache}/mta-lab}
ALL="postfix-hash postfix-regexp postfix-vmap postfix-verify exim exim-callout sendmail opensmtpd courier qmail haraka dovecot"

usage() { cat <<'U'
usage:
  lab.sh install MTA...|all         fetch what MTA needs into the cache (may be repeated)
  lab.sh start MTA --dir DIR --smtp-port P --lmtp-port L --domain D [--domain D2 ...]
         [--maps DIR] [--sink-port S] [--qmail-dir DIR] [--lmtp-command CMD]
         [--hostname H] [--extra FILE]
         [--etc DIR]                files that go over those of the chroot's /etc
  lab.sh prepare MTA ...            the same without starting it: its files may be changed before `up` (exim)
  lab.sh up --dir DIR               start what was prepared
  lab.sh down --dir DIR             end it, and keep all for another `up`
  lab.sh exec --dir DIR COMMAND...  run a command where that server is (servers in a chroot)
  lab.sh stop --dir DIR             end that server
  lab.sh reload --dir DIR           make it read changed tables again (where it needs telling)
  lab.sh queue --dir DIR            print its queue
  lab.sh flush --dir DIR            try everything queued now
  lab.sh log --dir DIR              print its log
  lab.sh list                       the MTAs known
MTA: postfix-hash postfix-regexp postfix-vmap postfix-verify exim exim-callout
     sendmail opensmtpd courier qmail haraka dovecot
Environment: MTA_LAB_CACHE, the folder for unpacked packages.
U
}
die() { echo "lab.sh: $*" >&2; exit 1; }
say() { echo "lab.sh: $*" >&2; }
now_ms() { local t=${EPOCHREALTIME/./}; echo $((t / 1000)); }

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# wait_banner PORT SECONDS: until the server greets with 220
wait_banner() {
  local end=$((SECONDS + $2)) line
  while :; do
    if { exec 3<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null; then
      line=; IFS= read -r -t 5 line <&3 || true
      printf 'QUIT\r\n' >&3 2>/dev/null || true
      exec 3<&- 3>&- || true
      [[ $line == 220* ]] && return 0
    fi
    ((SECONDS < end)) || return 1
    sleep 0.05
  done
}

# ---- packages -------------------------------------------------------------
# unpack_closure NAME PACKAGE...: the packages and all that they depend on, taken
# from Debian and unpacked (no maintainer script runs) into CACHE/NAME/root.
# apt is given an empty status file, so it works the closure out as for a bare
# machine: what the host has installed, or conflicts with, makes no difference.
unpack_closure() {
  local name=$1; shift
  local base=$CACHE/$name root
  root=$base/root
  local stamp="$* v2"
  if [[ -f $base/done && $(cat "$base/done") == "$stamp" ]]; then say "$name: already in $base"; return; fi
  rm -rf "$base"; mkdir -p "$base/archives/partial" "$root"
  : > "$base/status"
  local -a apt=(apt-get -qq -o "Dir::State::status=$base/status" -o "Dir::Cache::archives=$base/archives"
                -o APT::Sandbox::User=root -o Debug::NoLocking=1)
  if ! "${apt[@]}" -s install --no-install-recommends "$@" >/dev/null 2>&1; then
    say "$name: apt-get update"; apt-get -qq update >&2
  fi
  say "$name: downloading $* with dependencies"
  "${apt[@]}" -y --download-only --no-install-recommends install "$@" >&2
  # Debian's merged /usr: the links first, then nothing lands beside them.
  local d
  for d in bin sbin lib lib64; do mkdir -p "$root/usr/$d"; ln -s "usr/$d" "$root/$d"; done
  local deb n=0
  for deb in "$base"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -k --keep-directory-symlink -C "$root" 2>/dev/null || dpkg -x "$deb" "$root"
    n=$((n + 1))
  done
  mkdir -p "$root"/{dev,proc,tmp,run,etc,var/tmp,root}
  [[ -e $root/var/run ]] || ln -s /run "$root/var/run"
  rm -rf "$base/archives"
  echo "$stamp" > "$base/done"
  say "$name: $n packages unpacked, $(du -sm "$root" | cut -f1) MB"
}

# ---- the chroot of one instance -------------------------------------------
# jail_make NAME: DIR/root with its own /etc, /var, /run, /dev, /tmp; /usr comes from the
# cache by a bind mount inside a private mount namespace (see jail_run).
jail_make() {
  local src=$CACHE/$1/root r=$DIR/root
  [[ -f $CACHE/$1/done ]] || cmd_install "$MTA"
  mkdir -p "$r"/{usr,dev,proc,tmp,run,root,maps}
  cp -a "$src/etc" "$src/var" "$r/"
  local d; for d in bin sbin lib lib64; do ln -sfn "usr/$d" "$r/$d"; done
  rm -rf "$r/var/run"; ln -sfn /run "$r/var/run"
  mkdir -p "$r/var/log" "$r/var/mail" "$r/var/tmp"; chmod 1777 "$r/tmp" "$r/var/tmp"; chmod 2775 "$r/var/mail"
  if [[ ! -e $r/dev/null ]]; then
    mknod -m 666 "$r/dev/null" c 1 3; mknod -m 666 "$r/dev/zero" c 1 5
    mknod -m 666 "$r/dev/random" c 1 8; mknod -m 666 "$r/dev/urandom" c 1 9
  fi
  cat > "$r/etc/passwd" <<P
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
mail:x:8:8:mail:/var/mail:/usr/sbin/nologin
list:x:38:38:list:/var/list:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
P
  cat > "$r/etc/group" <<G
root:x:0:
daemon:x:1:
mail:x:8:
list:x:38:
nogroup:x:65534:
G
  cat > "$r/etc/nsswitch.conf" <<N
passwd: files
group: files
hosts: files
services: files
protocols: files
N
  # The names resolve without a DNS server: nothing in the laboratory asks one.
  { echo "127.0.0.1 localhost"; echo "127.0.0.1 $HOSTNAME_MTA ${HOSTNAME_MTA%%.*}"; local x; for x in "${DOMAINS[@]}"; do echo "127.0.0.1 $x"; done; } > "$r/etc/hosts"
  : > "$r/etc/resolv.conf"
  [[ -f /etc/services ]] && cp /etc/services "$r/etc/services" || printf 'smtp 25/tcp mail\nsubmission 587/tcp\nlmtp 24/tcp\n' > "$r/etc/services"
  [[ -f $r/etc/protocols ]] || printf 'tcp 6 TCP\nudp 17 UDP\n' > "$r/etc/protocols"
}
jail_user() { # NAME ID HOME
  echo "$1:x:$2:$2:$1:$3:/usr/sbin/nologin" >> "$DIR/root/etc/passwd"; echo "$1:x:$2:" >> "$DIR/root/etc/group"
}
# jail_etc: what --etc gives goes over what is there
jail_etc() { [[ -z ${ETC:-} ]] || cp -rT "$ETC" "$DIR/root/etc"; }
# jail_exec COMMAND...: runs in the jail; /maps is the folder given with --maps.
# The mounts live in a mount namespace of the command's own and end with it.
jail_exec() {
  unshare -m --propagation private bash -c '
    r=$1 usr=$2 maps=$3 binds=$4; shift 4
    mount --bind "$usr" "$r/usr" && mount -o remount,bind,ro "$r/usr"
    if [ -n "$maps" ]; then mount --bind "$maps" "$r/maps"; fi
    mount -t proc proc "$r/proc"
    printf "%s" "$binds" | while IFS=" " read -r from to; do   # host files wanted inside
      if [ -d "$from" ]; then mkdir -p "$r$to"; else mkdir -p "$r${to%/*}"; [ -e "$r$to" ] || : > "$r$to"; fi
      mount --bind "$from" "$r$to"
    done
    exec chroot "$r" "$@"' jail "$DIR/root" "$CACHE/$JAIL/root/usr" "${MAPS:-}" "${JAIL_BINDS:-}" "$@"
}

# A syslog for the jail: what is sent to /dev/log goes to /var/log/mail.log.
jail_syslog() {
  LOG=$DIR/root/var/log/mail.log; : > "$LOG"; chmod 666 "$LOG"
  jail_exec /usr/bin/perl -MSocket -e '
    unlink "/dev/log"; socket(S, PF_UNIX, SOCK_DGRAM, 0) && bind(S, sockaddr_un("/dev/log")) or die "log: $!";
    chmod 0666, "/dev/log"; open(L, ">>", "/var/log/mail.log") or die; select L; $| = 1;
    while (defined recv(S, $m, 65536, 0)) { $m =~ s/^<\d+>//; $m =~ s/\s*\0*$//; print L "$m\n"; }' > /dev/null 2>&1 < /dev/null &
  remember $!
  local end=$((SECONDS + 3)); until [[ -S $DIR/root/dev/log ]] || ((SECONDS >= end)); do sleep 0.02; done
}

# ---- state of one instance -------------------------------------------------
save_state() {
  { declare -p MTA DIR SMTP_PORT LMTP_PORT SINK_PORT MAPS HOSTNAME_MTA QMAIL_DIR LMTP_COMMAND EXTRA ETC DOMAINS PIDS LOG QUEUE JAIL_BINDS; [[ -n ${JAIL:-} ]] && declare -p JAIL; true; } > "$DIR/lab.state"
}
load_state() { [[ -f $DIR/lab.state ]] || die "no server was started in $DIR"; local s; s=$(sed 's/^declare -/declare -g -/' "$DIR/lab.state"); eval "$s"; }
# A pid counts as ours only while it has the start time it had at the start.
pid_birth() { [[ -r /proc/$1/stat ]] && sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
remember() { local p; for p in "$@"; do PIDS+=("$p:$(pid_birth "$p")"); done; }
alive() { [[ -n $(pid_birth "${1%%:*}") && $(pid_birth "${1%%:*}") == "${1#*:}" && $(sed 's/.*) //' "/proc/${1%%:*}/stat" 2>/dev/null | cut -c1) != Z ]]; }
children() {
  local p; local -a own
  read -r -d '' -a own < <(cat /proc/"$1"/task/*/children 2>/dev/null) || true
  for p in "${own[@]}"; do echo "$p"; children "$p"; done
}
json() { local s=$1; s=${s//\\/\\\\}; s=${s//\"/\\\"}; printf '"%s"' "$s"; }
ready_line() {
  local p out='' d doms=''
  for p in "${PIDS[@]}"; do out+="${out:+,}${p%%:*}"; done
  for d in "${DOMAINS[@]}"; do doms+="${doms:+,}$(json "$d")"; done
  printf '{"event":"ready","mta":%s,"version":%s,"pids":[%s],"dir":%s,"smtpPort":%s,"lmtpPort":%s,"sinkPort":%s,"domains":[%s],"log":%s,"queue":%s,"startMs":%s}\n' \
    "$(json "$MTA")" "$(json "${VERSION:-}")" "$out" "$(json "$DIR")" "$SMTP_PORT" "$LMTP_PORT" "${SINK_PORT:-null}" "$doms" "$(json "$LOG")" "$(json "$QUEUE")" "$(($(now_ms) - T0))"
}

# ---- commands --------------------------------------------------------------
family() { case $1 in postfix-*) echo postfix ;; exim|exim-callout) echo exim ;; sendmail|opensmtpd|courier|qmail|dovecot|haraka) echo "$1" ;; *) return 1 ;; esac; }
load_family() {
  local f; f=$(family "$1") || die "unknown MTA: $1 (known: $ALL)"
  # shellcheck source=/dev/null
  . "$HERE/mta/$f.sh"
}

cmd_install() {
  local m; local -a want=("$@")
  [[ ${1:-} == all ]] && want=(postfix-hash exim sendmail opensmtpd courier haraka dovecot)
  ((${#want[@]})) || die "install what?"
  [[ $(id -u) == 0 ]] || die "install needs root"
  mkdir -p "$CACHE"
  for m in "${want[@]}"; do (load_family "$m"; "$(family "$m")_install"); done
}

# take_options MTA OPTION...: one instance, as the command line says it
take_options() {
  T0=$(now_ms)
  MTA=${1:-}; shift || true
  DIR='' SMTP_PORT='' LMTP_PORT='' SINK_PORT='' MAPS='' HOSTNAME_MTA=mta.lab.test QMAIL_DIR='' LMTP_COMMAND='' EXTRA='' ETC=''
  JAIL='' JAIL_BINDS='' DOMAINS=() PIDS=() LOG='' QUEUE='' VERSION=''
  while (($#)); do
    case $1 in
      --dir) DIR=$2 ;; --smtp-port) SMTP_PORT=$2 ;; --lmtp-port) LMTP_PORT=$2 ;; --sink-port) SINK_PORT=$2 ;;
      --domain) DOMAINS+=("$2") ;; --maps) MAPS=$2 ;; --hostname) HOSTNAME_MTA=$2 ;; --qmail-dir) QMAIL_DIR=$2 ;;
      --lmtp-command) LMTP_COMMAND=$2 ;; --extra) EXTRA=$2 ;; --etc) ETC=$2 ;;
      *) die "unknown option: $1" ;;
    esac
    shift 2 || die "the last option has no value"
  done
  [[ -n $DIR && -n $SMTP_PORT && -n $LMTP_PORT ]] || die "--dir, --smtp-port and --lmtp-port are needed"
  ((${#DOMAINS[@]})) || die "--domain is needed"
  [[ $(id -u) == 0 ]] || die "mail servers change users, so start needs root"
  mkdir -p "$DIR"; DIR=$(cd "$DIR" && pwd)
  [[ -z $MAPS ]] || { mkdir -p "$MAPS"; MAPS=$(cd "$MAPS" && pwd); }
  [[ -z $ETC ]] || ETC=$(cd "$ETC" && pwd)
  [[ ! -f $DIR/lab.state ]] || cmd_stop --dir "$DIR" >/dev/null
  port_open "$SMTP_PORT" && die "port $SMTP_PORT is taken"
  load_family "$MTA"
}

cmd_prepare() {
  take_options "$@"
  local f; f=$(family "$MTA")_prepare
  declare -F "$f" >/dev/null || die "$MTA cannot be prepared without being started"
  "$f"
  save_state
}

cmd_start() {
  take_options "$@"
  "$(family "$MTA")_start"
  greeted
}

cmd_up() {
  [[ ${1:-} == --dir && -n ${2:-} ]] || die "up --dir DIR"
  T0=$(now_ms)
  DIR=$(cd "$2" 2>/dev/null && pwd) || die "no such folder: $2"
  load_state; load_family "$MTA"
  "$(family "$MTA")_run"
  greeted
}

# greeted: keeps the state and prints the ready line, once the server answers
greeted() {
  local f; f=$(family "$MTA")
  save_state
  if ! wait_banner "$SMTP_PORT" 30; then
    say "$MTA did not greet on port $SMTP_PORT; its log:"; [[ -f $LOG ]] && tail -30 "$LOG" >&2
    [[ -f $DIR/start.log ]] && tail -5 "$DIR/start.log" >&2
    cmd_stop --dir "$DIR" >/dev/null || true; exit 1
  fi
  "${f}_pids" 2>/dev/null || true
  save_state
  ready_line
}

cmd_stop() {
  end_instance stop "$@"
  rm -f "$DIR/lab.state"
  printf '{"event":"stopped","mta":%s,"dir":%s}\n' "$(json "$MTA")" "$(json "$DIR")"
}

cmd_down() {
  end_instance down "$@"
  PIDS=()
  save_state
}

end_instance() { # COMMAND --dir DIR
  [[ ${2:-} == --dir && -n ${3:-} ]] || die "$1 --dir DIR"
  DIR=$(cd "$3" 2>/dev/null && pwd) || die "no such folder: $3"
  load_state; load_family "$MTA"
  local p all=() c
  for p in "${PIDS[@]}"; do
    alive "$p" || continue
    all+=("$p"); for c in $(children "${p%%:*}"); do all+=("$c:$(pid_birth "$c")"); done
  done
  for p in "${PIDS[@]}"; do if alive "$p"; then kill "${p%%:*}" 2>/dev/null || true; fi; done
  # What they leave behind (a session that waits for its client, a queue run) is told too, once they are gone.
  local end=$((SECONDS + 5)) left=1 main orphans=1
  while ((left && SECONDS < end)); do
    left=0 main=0
    for p in "${PIDS[@]}"; do alive "$p" && main=1; done
    for p in "${all[@]}"; do
      alive "$p" || continue
      left=1
      if ((!main && orphans)); then kill "${p%%:*}" 2>/dev/null || true; fi
    done
    ((main)) || orphans=0
    ((left)) && sleep 0.05
  done
  for p in "${all[@]}"; do if alive "$p"; then kill -9 "${p%%:*}" 2>/dev/null || true; fi; done
}

with_instance() { # COMMAND --dir DIR
  local what=$1; shift
  [[ ${1:-} == --dir && -n ${2:-} ]] || die "$what --dir DIR"
  DIR=$(cd "$2" 2>/dev/null && pwd) || die "no such folder: $2"
  load_state; load_family "$MTA"
  if [[ $what == log ]]; then cat "$LOG"; return; fi
  if [[ $what == exec ]]; then
    [[ -n ${JAIL:-} ]] || die "$MTA runs in no chroot: run the command as it is"
    shift 2; jail_exec "$@"; return
  fi
  local f; f="$(family "$MTA")_$what"
  declare -F "$f" >/dev/null || { say "$MTA needs no $what"; return; }
  "$f"
}

case ${1:-} in
  install) shift; cmd_install "$@" ;;
  start) shift; cmd_start "$@" ;;
  stop) shift; cmd_stop "$@" ;;
  prepare) shift; cmd_prepare "$@" ;;
  up) shift; cmd_up "$@" ;;
  down) shift; cmd_down "$@" ;;
  reload|queue|flush|log|exec) with_instance "$@" ;;
  list) tr ' ' '\n' <<<"$ALL" ;;
  help|-h|--help) usage ;;
  *) usage >&2; exit 64 ;;
esac
