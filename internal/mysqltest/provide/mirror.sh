#!/usr/bin/env bash
# Prints the address of the Debian mirror that this machine's apt uses.
set -euo pipefail

if ! command -v apt-get >/dev/null || [ ! -f /usr/share/keyrings/debian-archive-keyring.gpg ]; then
	echo "mirror.sh: not a Debian machine" >&2
	exit 1
fi
mirror=$(apt-get update --print-uris 2>/dev/null |
	sed -n "s#^'\([^']*\)/dists/[^/']*/InRelease'.*#\1#p" | grep -v security | head -n 1 || true)
if [ -z "$mirror" ]; then
	echo "mirror.sh: apt has no mirror of Debian: see sources.list(5)" >&2
	exit 1
fi
echo "$mirror"
