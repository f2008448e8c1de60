#!/usr/bin/env bash
# Downloads a MySQL or MariaDB server from Debian's archive into a folder, unpacked and not
# installed: nothing outside the folder changes, no service starts, and no root is needed.
#
#   packages.sh FOLDER mysql|mariadb
#
# FOLDER/server then runs it, with the libraries of its own release. The mirror is the one that this
# machine's apt uses. MySQL 9 is in unstable only; MariaDB is from the release whose version we
# promise to work with.
set -euo pipefail

folder=$(realpath -m "$1") flavor=$2
case $flavor in
mysql) release=sid package=mysql-server-core program=usr/sbin/mysqld ;;
mariadb) release=bookworm package=mariadb-server-core program=usr/sbin/mariadbd ;;
*) echo "packages.sh: unknown server \"$flavor\": mysql or mariadb" >&2 && exit 2 ;;
esac

mirror=$("$(dirname "$0")"/mirror.sh)
mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$(dirname "$folder")/.download.XXXXXX")
trap 'rm -rf "$work"' EXIT

# An apt of its own, that knows one release and believes that nothing is installed.
mkdir -p "$work"/apt/{state/lists/partial,cache/archives/partial} "$work/root"
: >"$work/apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" >"$work/apt/sources.list"
private_apt() {
	apt-get -qq -o Dir::Etc::SourceList="$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$work/apt/state" -o Dir::State::status="$work/apt/status" -o Dir::Cache="$work/apt/cache" \
		-o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o Acquire::Retries=3 \
		-o APT::Install-Recommends=false -o APT::Sandbox::User="$(id -un)" "$@"
}
private_apt update
private_apt install --yes --download-only "$package" >/dev/null
for deb in "$work"/apt/cache/archives/*.deb; do
	dpkg-deb --extract "$deb" "$work/root"
done
rm -rf "$work"/root/usr/share/{doc,man,locale,perl}

cat >"$work/root/server" <<EOF
#!/bin/sh
# Runs the $flavor server beside this file. Its C library is not this machine's, so it brings its
# loader with it.
here=\$(dirname "\$0")
if [ "\$1" = --no-defaults ]; then shift; fi
for loader in "\$here"/lib*/ld-linux-*.so.* "\$here"/usr/lib*/ld-linux-*.so.*; do
	if [ -x "\$loader" ]; then break; fi
done
libraries=
for folder in "\$here"/lib/*-linux-gnu "\$here"/usr/lib/*-linux-gnu; do libraries=\$libraries:\$folder; done
exec "\$loader" --library-path "\${libraries#:}" "\$here/$program" --no-defaults \\
	--basedir="\$here/usr" --lc-messages-dir="\$here/usr/share/mysql" "\$@"
EOF
chmod +x "$work/root/server"
"$work/root/server" --version
rm -rf "$folder"
mv "$work/root" "$folder"
