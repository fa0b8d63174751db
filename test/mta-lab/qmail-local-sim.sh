#!/bin/bash
# Delivers one message as qmail-local does, without qmail: the same search for the .qmail
# file, shell, folder, environment and standard input, and the same reading of exit codes.
#
#   qmail-local-sim.sh --recipient LOCAL@HOST [--user U] [--home DIR] [--sender S]
#       [--ext EXT] [--dash DASH] [--default-delivery LINE]
#       [--default] [--command CMD | --dot-qmail FILE] < message
#
#   --recipient  the address as qmail-local gets it, with the virtual domain's prefix:
#                mailman-foo@lists.example.test
#   --user       the user in charge (mailman)
#   --sender     the envelope sender; empty for a bounce
#   --ext        EXT; unless given, what follows "USER-"
#   --dash       what stands before it in the names of files (-, or nothing without EXT)
#   --command    one command, as it stands after the bar
#   --dot-qmail  a file: comments, |commands; other deliveries are only printed
#                (without these two: the file of the home that is for the address)
#   --default    for these two, the file's name ends with "default": DEFAULT is set (to EXT)
#   --default-delivery  what an empty file stands for (./Mailbox)
# Exit: 0 delivered, 100 failed for good, 111 try again later. Lines of JSON on standard
# error tell which file was found, and what each command said and left with.
set -u
user=mailman home=$PWD sender='' recipient='' default='' command='' file='' ext='' ext_given='' dash='' dash_given='' usual=./Mailbox
usage() { sed -n '2,23s/^# \{0,1\}//p' "$0" >&2; exit 111; }
while (($#)); do
  case $1 in
    --default) default=1; shift; continue ;;
    --recipient|--user|--home|--sender|--command|--dot-qmail|--ext|--dash|--default-delivery) (($# > 1)) || usage ;;&
    --recipient) recipient=$2 ;; --user) user=$2 ;; --home) home=$2 ;; --sender) sender=$2 ;;
    --command) command=$2 ;; --dot-qmail) file=$2 ;; --default-delivery) usual=$2 ;;
    --ext) ext=$2 ext_given=1 ;; --dash) dash=$2 dash_given=1 ;;
    *) usage ;;
  esac
  shift 2
done
[[ $recipient == *@* ]] || usage
[[ -d $home ]] || { echo "Unable to switch to $home: file does not exist. (#4.3.0)" >&2; exit 111; }

local_part=${recipient%@*} host=${recipient##*@}
[[ -z $ext_given && $local_part == "$user"-* ]] && ext=${local_part#"$user"-}
[[ -z $dash_given && -n $ext ]] && dash=-
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
# dot-qmail(5): the file with the name of the address, then those that end with "default"
# in place of what follows a dash, from the last dash on. Small letters, colons for dots.
default_is=$ext
if [[ -z $command && -z $file ]]; then
  safe=${ext,,}; safe=${safe//./:}
  found=; default=
  if [[ -f $home/.qmail$dash$safe ]]; then
    found=.qmail$dash$safe
    [[ $safe == *default ]] && default=1 default_is=${ext:$((${#ext} - 7))}
  else
    for ((at = ${#safe}; at >= 0; at--)); do
      if ((at == 0)) || [[ ${safe:at-1:1} == - ]]; then
        name=.qmail$dash${safe:0:at}default
        [[ -f $home/$name ]] && { found=$name; default=1 default_is=${ext:at}; break; }
      fi
    done
  fi
  if [[ -z $found ]]; then
    [[ -n $dash ]] && { echo "Sorry, no mailbox here by that name. (#5.1.1)" >&2; exit 100; }
  else
    printf '{"found":"%s"}\n' "$found" >&2
    file=$home/$found
  fi
fi
instructions=
if [[ -n $file ]]; then
  [[ -r $file ]] || { echo "no such file: $file" >&2; exit 111; }
  fmode=$(stat -Lc %a "$file")
  (( 8#$fmode & 8#002 )) && { echo "Uh-oh: .qmail file is writable. (#4.7.0)" >&2; exit 111; }
  forward_only=; (( 8#$fmode & 8#100 )) && forward_only=1
  instructions=$(cat "$file"; echo .); instructions=${instructions%.}
fi
[[ -z $instructions ]] && forward_only='' instructions=$usual

quote() { local s=$1; s=${s//\\/\\\\}; s=${s//\"/\\\"}; s=${s//$'\n'/\\n}; s=${s//$'\t'/\\t}; printf '"%s"' "${s//[$'\001'-$'\037']/?}"; }
run() {
  local -a vars=("PATH=$PATH" "HOST=$host" "HOME=$home" "USER=$user" "LOCAL=$local_part" "RECIPIENT=$recipient"
    "DTLINE=Delivered-To: $recipient"$'\n' "SENDER=$sender" "NEWSENDER=$sender" "RPLINE=Return-Path: <$sender>"$'\n'
    "UFLINE=From ${clean:-MAILER-DAEMON} $stamp"$'\n' "EXT=$ext" "EXT2=$ext2" "EXT3=$ext3" "EXT4=$ext4"
    "HOST2=$host2" "HOST3=$host3" "HOST4=$host4")
  [[ -n $default ]] && vars+=("DEFAULT=$default_is")
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
refuse_x() { [[ -z $forward_only ]] || { echo "Uh-oh: .qmail has $1 delivery but has x bit set. (#4.7.0)" >&2; exit 111; }; }
first=1
while IFS= read -r line || [[ -n $line ]]; do
  line=${line%"${line##*[! $'\t']}"}
  case $line in
    '') ((first)) && { echo "Uh-oh: first line of .qmail file is blank. (#4.2.1)" >&2; exit 111; } ;;
    '#'*|'+'*) ;;
    '|'*) refuse_x prog; run "${line#|}" || exit 0 ;;
    /*|.*) refuse_x file; echo "{\"file\":$(quote "$line")}" >&2 ;;
    *) echo "{\"forward\":$(quote "${line#&}")}" >&2 ;;
  esac
  first=0
done <<< "${instructions%$'\n'}"
exit 0
