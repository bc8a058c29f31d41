#!/usr/bin/env bash
# Makes a Python with PyPI's pyspnego in DIR (its krb5 module is built there; gssapi is the distribution's):
#
#   peers/pyspnego.sh DIR
set -euo pipefail
dir=${1:?usage: peers/pyspnego.sh DIR}
python=$dir/bin/python3
works() { [ -x "$python" ] && "$python" -c 'import gssapi, krb5, spnego' 2>/dev/null; }
works && exit 0
/usr/bin/python3 -m venv --system-site-packages "$dir"
# Nobody measures it: no optimising.
CFLAGS="-O0 -g0" "$dir/bin/pip" install -q --disable-pip-version-check 'pyspnego>=0.12' 'krb5>=0.7'
works
