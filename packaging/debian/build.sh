#!/bin/sh
# Builds the Debian package: the program below /usr/lib/posthorn with the Node that it was tested with, a systemd unit, the
# configuration /etc/posthorn.cfg, manual pages and completion. Needs dpkg-deb and npm; no root.
#
#   sh packaging/debian/build.sh OUTPUT-DIR     prints the path of the package
set -eu
umask 022
[ $# = 1 ] || { echo 'build.sh: name the directory for the package: sh packaging/debian/build.sh OUTPUT-DIR' >&2; exit 2; }
mkdir -p -- "$1"
output=$(CDPATH='' cd -- "$1" && pwd)
home=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
architecture=$(dpkg --print-architecture)
case $architecture in amd64 | arm64) ;; *) echo "build.sh: no package for $architecture, only amd64 and arm64" >&2; exit 2 ;; esac
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$home/package.json")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root/usr/lib" "$root/DEBIAN"
sh "$home/packaging/stage.sh" "$root/usr/lib/posthorn" >&2

place() { install -D -m "$1" "$2" "$root$3"; }
place 0644 "$home/packaging/systemd/posthorn.service" /lib/systemd/system/posthorn.service
place 0644 "$home/packaging/posthorn.cfg" /etc/posthorn.cfg
place 0644 "$home/LICENSE" /usr/share/doc/posthorn/copyright
place 0644 "$home/CHANGELOG.md" /usr/share/doc/posthorn/CHANGELOG.md
for page in "$home"/docs/*.md; do place 0644 "$page" "/usr/share/doc/posthorn/docs/${page##*/}"; done
cp -R "$home/packaging/grafana" "$home/packaging/prometheus" "$root/usr/share/doc/posthorn/"
mv "$root/usr/lib/posthorn/examples" "$root/usr/share/doc/posthorn/"
share=$root/usr/lib/posthorn/share
for page in "$share"/man/*; do
  section=${page##*.}
  place 0644 "$page" "/usr/share/man/man$section/${page##*/}"
  gzip -9n "$root/usr/share/man/man$section/${page##*/}"
done
place 0644 "$share/completion/posthorn.bash" /usr/share/bash-completion/completions/posthorn
place 0644 "$share/completion/posthorn.zsh" /usr/share/zsh/vendor-completions/_posthorn
place 0644 "$share/completion/posthorn.fish" /usr/share/fish/vendor_completions.d/posthorn.fish
rm -rf "$share"
mkdir -p "$root/usr/bin"
ln -s ../lib/posthorn/bin/posthorn "$root/usr/bin/posthorn"
ln -s ../lib/posthorn/bin/posthorn-qmail "$root/usr/bin/posthorn-qmail"

cat > "$root/DEBIAN/control" << CONTROL
Package: posthorn
Version: $version
Architecture: $architecture
Maintainer: The Posthorn maintainers <posthorn@example.org>
Section: mail
Priority: optional
Depends: adduser, libc6 (>= 2.28), libstdc++6 (>= 8), libatomic1
Recommends: default-mta | mail-transport-agent
Suggests: swaks
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Description: mailing-list server that plugs into the mail server you already run
 Mail comes in by LMTP, is judged, kept, decorated and handed back by SMTP, one
 traceable copy per member. It takes the configuration and the commands of GNU
 Mailman 3 core, in one process with one data directory.
CONTROL
echo /etc/posthorn.cfg > "$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m 0755 "$home/packaging/debian/$script" "$root/DEBIAN/$script"; done
package=$output/posthorn_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zxz -z2 --build "$root" "$package" > /dev/null
echo "$package"
