#!/usr/bin/env bash
# Fuzzes each target for SECONDS, or with a fixed number of inputs behind its seeds:
#
#   fuzz/run.sh SECONDS [TARGET...]
#   fuzz/run.sh --runs N [TARGET...]
#
# cargo-fuzz is not needed: the flags below are those it passes. A nightly toolchain is used if there is one,
# else the default one with RUSTC_BOOTSTRAP=1. KERBSIDE_FUZZ_ASAN=1 adds the address sanitizer, which is off
# because no crate that is fuzzed has unsafe code. A crash is written to fuzz/artifacts/TARGET and fails the run.
set -euo pipefail
cd "$(dirname "$0")"

usage="usage: fuzz/run.sh SECONDS [TARGET...], or fuzz/run.sh --runs N [TARGET...]"
case ${1:?$usage} in
    --runs) bound=("-runs=${2:?$usage}") said="$2 inputs"; shift 2 ;;
    *) bound=("-max_total_time=$1") said="$1 s"; shift ;;
esac
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for source in fuzz_targets/*.rs; do targets+=("$(basename "$source" .rs)"); done
fi

cargo=(cargo)
if command -v rustup >/dev/null && [[ $(rustup toolchain list) == *nightly* ]]; then
    cargo=(cargo +nightly)
else
    export RUSTC_BOOTSTRAP=1
fi
host=$("${cargo[@]}" -vV | sed -n 's/^host: //p')

flags=(
    -Cpasses=sancov-module
    -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares
    -Ccodegen-units=1
    --cfg fuzzing
)
if [ "${KERBSIDE_FUZZ_ASAN:-0}" = 1 ]; then flags+=(-Zsanitizer=address); fi

./seed.sh
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
bins=()
for target in "${targets[@]}"; do bins+=(--bin "$target"); done
# --target keeps the flags off build scripts and macros.
RUSTFLAGS="${flags[*]}" "${cargo[@]}" build --release --target "$host" "${bins[@]}"

for target in "${targets[@]}"; do
    mkdir -p "corpus/$target" "artifacts/$target"
    echo "== $target: $said"
    "$CARGO_TARGET_DIR/$host/release/$target" "corpus/$target" \
        -artifact_prefix="artifacts/$target/" "${bound[@]}" \
        -max_len=65536 -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=64 -verbosity=0 -print_final_stats=1
done
