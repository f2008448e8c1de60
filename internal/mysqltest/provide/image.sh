#!/usr/bin/env bash
# Builds a stand-in for an official Docker image out of Debian's packages, for machines that cannot
# pull it: CI's. It takes the same environment and arguments as the image whose name it gets.
#
#   image.sh mysql|mariadb
#
# Needs root, a running Docker daemon and mmdebstrap. Does nothing if the image is there.
set -euo pipefail

case ${1-} in
mysql) image=mysql:9.7 release=sid package=mysql-server-core ;;
mariadb) image=mariadb:10.11 release=bookworm package=mariadb-server-core ;;
*) echo "usage: image.sh mysql|mariadb" >&2 && exit 2 ;;
esac
if docker image inspect "$image" >/dev/null 2>&1; then exit 0; fi

mirror=$("$(dirname "$0")"/mirror.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$(dirname "$0")/entrypoint.sh" "$work/"
mmdebstrap --quiet --variant=essential --include="$package" --aptopt='Acquire::Check-Valid-Until "false"' \
	--customize-hook="copy-in $work/entrypoint.sh /" \
	--keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$release" "$work/image.tar" "$mirror"
docker import --change 'ENTRYPOINT ["/entrypoint.sh"]' --change 'CMD ["'"$1"'"]' \
	--change 'EXPOSE 3306' --change 'VOLUME /var/lib/mysql' "$work/image.tar" "$image" >/dev/null
echo "built $image"
