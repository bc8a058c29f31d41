#!/usr/bin/env bash
# Unpacks Debian's Heimdal into FOLDER, beside MIT's packages (the two conflict): heimdal.sh FOLDER
# Nothing is installed but the plain libraries that Heimdal's programs link against.
set -eu
mkdir -p "${1:?FOLDER}"
folder=$(cd "$1" && pwd)
[ -x "$folder/usr/lib/heimdal-servers/kdc" ] && exit 0
rm -rf "$folder.new"
mkdir -p "$folder.new/debs"
cd "$folder.new/debs"
# What Heimdal's programs need of Heimdal's own packages.
packages=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
  --no-enhances heimdal-kdc heimdal-clients | grep -E '^(lib.*heimdal|heimdal-)' | sort -u)
# shellcheck disable=SC2086 # packages are words
apt-get download -qq $packages heimdal-kcm
for deb in *.deb; do dpkg -x "$deb" "$folder.new"; done
cd "$folder.new"
rm -rf debs "$folder"
mv "$folder.new" "$folder"
