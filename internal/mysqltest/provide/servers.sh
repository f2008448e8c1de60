#!/usr/bin/env bash
# Makes sure that tests find a MySQL and a MariaDB server: named by TEST_DATABASE_URL, as an image
# in a running Docker, on PATH, or downloaded into the repository's .cache folder. It starts nothing.
set -euo pipefail
cd "$(dirname "$0")"
cache=$PWD/../../../.cache/mysqltest

# has FLAVOR: a server program is there already, this machine's or a downloaded one.
has() {
	if [ -x "$cache/$1/server" ]; then return 0; fi
	local program version
	for program in mysqld mariadbd /usr/sbin/mysqld /usr/sbin/mariadbd; do
		version=$("$program" --version 2>/dev/null) || continue
		case $1,$version in
		mariadb,*MariaDB*) return 0 ;;
		mysql,*MariaDB*) ;;
		mysql,*) return 0 ;;
		esac
	done
	return 1
}

# image FLAVOR: Docker runs and has the image or can fetch it.
image() {
	local image=${MYSQLTEST_IMAGE:-mysql}:${MYSQLTEST_TAG:-9.7}
	if [ "$1" = mariadb ]; then
		image=${MYSQLTEST_MARIADB_IMAGE:-mariadb}:${MYSQLTEST_MARIADB_TAG:-10.11}
	fi
	docker info >/dev/null 2>&1 || return 1
	docker image inspect "$image" >/dev/null 2>&1 || timeout 300 docker pull --quiet "$image" 2>/dev/null
}

if [ -n "${TEST_DATABASE_URL-}" ]; then
	echo "using TEST_DATABASE_URL"
	exit 0
fi
for flavor in mysql mariadb; do
	if has $flavor || image $flavor; then continue; fi
	echo "downloading $flavor from Debian's archive"
	if ! ./packages.sh "$cache/$flavor" $flavor; then
		cat >&2 <<-EOF
			No $flavor server for the tests. Do one of these and try again:
			  - start Docker;
			  - install MySQL 9 and MariaDB so that mysqld and mariadbd are on PATH;
			  - set TEST_DATABASE_URL='root:password@tcp(host:port)/ …' to a MySQL and a MariaDB server
			    on which tests may create and drop databases.
		EOF
		exit 1
	fi
done
