#!/usr/bin/env bash
# Fills fuzz/corpus/TARGET from the test vectors of the crates. Run again, it adds what is new.
set -euo pipefail
cd "$(dirname "$0")"
vectors=(../crates/*/tests/vectors)

# Binary samples, named by their contents so that two of one name both stay.
copy() { # TARGET FIND-PATTERN...
    local target=$1 pattern file
    shift
    mkdir -p "corpus/$target"
    for pattern in "$@"; do
        while IFS= read -r -d '' file; do
            cp "$file" "corpus/$target/$(sha1sum <"$file" | cut -c1-16)"
        done < <(find "${vectors[@]}" -type f -path "$pattern" -print0)
    done
}

# Every hex string of the JSON files whose names match.
unhex() { # TARGET FILE-NAME-PATTERN...
    local target=$1 pattern hex
    shift
    mkdir -p "corpus/$target"
    for pattern in "$@"; do
        find "${vectors[@]}" -type f -name "$pattern" -exec grep -ohE '"[A-Za-z0-9_]*hex": *"[0-9a-f]{8,}"' {} + |
            sed -E 's/.*"([0-9a-f]+)"$/\1/' | sort -u |
            while IFS= read -r hex; do
                # shellcheck disable=SC2059 # the format is the data
                printf "$(sed 's/../\\x&/g' <<<"$hex")" >"corpus/$target/$(sha1sum <<<"$hex" | cut -c1-16)"
            done
    done
}

copy files '*/bin/keytab/*' '*/bin/ccache/*' '*/bin/krb5conf/*' '*/bin/kirbi/*'
copy messages '*/bin/messages/*' '*/bin/tokens/*' '*/bin/kirbi/*'
unhex tokens 'gss_tokens.json' 'context_tokens.json' 'channel_bindings.json' 'kpasswd.json'
unhex messages 'asn1_*.json' 'kdc_messages.json' 'context_tokens.json' 'ticket_decrypt.json' 'iakerb.json' \
    'kkdcp.json' 'kpasswd.json' 'pkinit_messages.json'
unhex kdc_request 'kdc_messages.json' 'asn1_*.json'
unhex negotiation 'negoex.json'
# Each pair of lists, tokens carried in turn; and begun by the acceptor.
mkdir -p corpus/negotiation
for first in 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 18 20 23 40 46 84 86 88 89 8b; do
    printf "\\x$first\\x00\\x01\\x00\\x01\\x00\\x01\\x00\\x01" >"corpus/negotiation/turns-$first"
done
copy pac '*/bin/pac/*'
unhex pac 'pac.json'
unhex ntlm 'ntlm.json'
# Edits of an exchange: a message replaced, cut, one octet changed.
for message in 0 1 2; do
    printf "\\x0$message\\x00NTLMSSP" >"corpus/ntlm/replaced-$message"
    printf "\\x0$message\\x01%40s" >"corpus/ntlm/cut-$message"
    printf "\\x0$message\\x02\\x10\\x00\\x01" >"corpus/ntlm/edited-$message"
done
printf 'DOM:alice:secret\nbob:1:%032d:%032d:[U]:LCT-0:\n' 0 0 >corpus/ntlm/users
copy kdc_request '*/bin/messages/*'
# Edit lists for the requests the target makes itself: none, and one byte of each.
for request in 0 1 2; do
    printf "\\x0$request" >"corpus/kdc_request/good-$request"
    printf "\\x0$request\\x00\\x40\\x01" >"corpus/kdc_request/edited-$request"
done

for target in corpus/*; do
    printf '%s: %s seeds\n' "$target" "$(find "$target" -type f | wc -l)"
done
