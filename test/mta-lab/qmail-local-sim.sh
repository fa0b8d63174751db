#!/bin/bash
# Runs the commands of a .qmail file as qmail-local does, without qmail: the same shell,
# folder, environment and standard input, and the same reading of exit codes.
#
#   qmail-local-sim.sh --recipient LOCAL@HOST [--user U] [--home DIR] [--sender S]
#       [--default] (--command CMD | --dot-qmail FILE) < message
#
#   --recipient  the address as qmail-local gets it, with the virtual domain's prefix:
#                mailman-foo@lists.example.test
#   --user       the user in charge (mailman); what follows "USER-" is EXT
#   --sender     the envelope sender; empty for a bounce
#   --default    the file's name ends with "default": DEFAULT is set (to EXT)
#   --command    one command, as it stands after the bar
#   --dot-qmail  a file: comments, |commands; other deliveries are only printed
# Exit: 0 delivered, 100 failed for good, 111 try again later. One line of JSON on
# standard error tells what the command said and left with.
set -u
user=mailman home=$PWD sender='' recipient='' default='' command='' file=''
usage() { sed -n '2,18s/^# \{0,1\}//p' "$0" >&2; exit 111; }
while (($#)); do
  case $1 in
    --default) default=1; shift; continue ;;
    --recipient|--user|--home|--sender|--command|--dot-qmail) (($# > 1)) || usage ;;&
    --recipient) recipient=$2 ;; --user) user=$2 ;; --home) home=$2 ;; --sender) sender=$2 ;;
    --command) command=$2 ;; --dot-qmail) file=$2 ;;
    *) usage ;;
  esac
  shift 2
done
[[ $recipient == *@* && -n $command$file && -d $home ]] || usage

local_part=${recipient%@*} host=${recipient##*@}
ext=; [[ $local_part == "$user"-* ]] && ext=${local_part#"$user"-}
rest() { [[ $1 == *-* ]] && printf %s "${1#*-}"; true; }      # what follows the first dash
before() { [[ $1 == *.* ]] && printf %s "${1%.*}" || printf %s "$1"; }  # what precedes the last dot
ext2=$(rest "$ext"); ext3=$(rest "$ext2"); ext4=$(rest "$ext3")
host2=$(before "$host"); [[ $host == *.* ]] || host2=$host
host3=$(before "$host2"); host4=$(before "$host3")
clean=${sender//[$' \t\n']/-}
stamp=$(LC_ALL=C date -u '+%a %b %d %H:%M:%S %Y')

# The message is a file, read from its start for each command. As the real one: no
# Return-Path or Delivered-To line in it, and lines end with LF alone.
message=$(mktemp) said=$(mktemp); trap 'rm -f "$message" "$said"' EXIT
cat > "$message"

# "Uh-oh": qmail-local puts such mail off.
mode=$(stat -c %a "$home")
(( 8#$mode & 8#002 )) && { echo "Uh-oh: home directory is writable. (#4.7.0)" >&2; exit 111; }
(( 8#$mode & 8#1000 )) && { echo "Home directory is sticky: user is editing his .qmail file. (#4.2.1)" >&2; exit 111; }
if [[ -n $file ]]; then
  [[ -r $file ]] || { echo "no such file: $file" >&2; exit 111; }
  fmode=$(stat -Lc %a "$file")
  (( 8#$fmode & 8#002 )) && { echo "Uh-oh: .qmail file is writable. (#4.7.0)" >&2; exit 111; }
fi

quote() { local s=$1; s=${s//\\/\\\\}; s=${s//\"/\\\"}; s=${s//$'\n'/\\n}; s=${s//$'\t'/\\t}; printf '"%s"' "${s//[$'\001'-$'\037']/?}"; }
run() {
  local -a vars=("PATH=$PATH" "HOST=$host" "HOME=$home" "USER=$user" "LOCAL=$local_part" "RECIPIENT=$recipient"
    "DTLINE=Delivered-To: $recipient"$'\n' "SENDER=$sender" "NEWSENDER=$sender" "RPLINE=Return-Path: <$sender>"$'\n'
    "UFLINE=From ${clean:-MAILER-DAEMON} $stamp"$'\n' "EXT=$ext" "EXT2=$ext2" "EXT3=$ext3" "EXT4=$ext4"
    "HOST2=$host2" "HOST3=$host3" "HOST4=$host4")
  [[ -n $default ]] && vars+=("DEFAULT=$ext")
  (cd "$home" && umask 077 && exec env -i "${vars[@]}" /bin/sh -c "$1" < "$message" > "$said" 2>&1)
  local code=$? verdict
  # A command ended by a signal: qmail-local tries again later.
  case $code in
    0) verdict=success ;; 99) verdict=stop ;;
    100|64|65|70|76|77|78|112) verdict=hard ;;
    *) verdict=soft ;;
  esac
  printf '{"command":%s,"exit":%d,"verdict":"%s","said":%s}\n' "$(quote "$1")" "$code" "$verdict" "$(quote "$(head -c 4000 "$said" | tr -d '\000')")" >&2
  case $verdict in hard) exit 100 ;; soft) exit 111 ;; stop) return 1 ;; esac
  return 0
}

if [[ -n $command ]]; then run "$command"; exit 0; fi
first=1
while IFS= read -r line || [[ -n $line ]]; do
  line=${line%"${line##*[! $'\t']}"}
  case $line in
    '') ((first)) && { echo "Uh-oh: first line of .qmail file is blank. (#4.2.1)" >&2; exit 111; } ;;
    '#'*) ;;
    '|'*) run "${line#|}" || exit 0 ;;
    /*|.*) echo "{\"file\":$(quote "$line")}" >&2 ;;
    *) echo "{\"forward\":$(quote "${line#&}")}" >&2 ;;
  esac
  first=0
done < "$file"
exit 0
