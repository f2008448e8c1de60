#!/bin/bash
# What image.sh's images start: as the official images do, it makes the data folder once, gives root
# the password MYSQL_ROOT_PASSWORD, creates MYSQL_DATABASE, and becomes the server.
set -euo pipefail

server=$(command -v mysqld || command -v mariadbd)
arguments=()
for argument; do
	case $argument in -*) arguments+=("$argument") ;; esac # the rest is CMD, the server's name
done
mkdir -p /run/mysqld /var/lib/mysql-files /var/lib/mysql
if [ ! -d /var/lib/mysql/mysql ]; then
	case $("$server" --version) in
	*MariaDB*)
		cd /usr/share/mysql
		(echo 'CREATE DATABASE mysql;' && echo 'USE mysql;' &&
			cat mysql_system_tables.sql mysql_performance_tables.sql mysql_system_tables_data.sql) |
			"$server" --no-defaults --user=root --datadir=/var/lib/mysql --bootstrap
		;;
	*) "$server" --no-defaults --user=root --datadir=/var/lib/mysql --initialize-insecure ;;
	esac
	cat >/init.sql <<-EOF
		CREATE USER IF NOT EXISTS 'root'@'%' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';
		GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;
		CREATE DATABASE IF NOT EXISTS \`${MYSQL_DATABASE:-mysql}\`;
	EOF
fi
exec "$server" --no-defaults --user=root --datadir=/var/lib/mysql --bind-address=0.0.0.0 --init-file=/init.sql "${arguments[@]}"
