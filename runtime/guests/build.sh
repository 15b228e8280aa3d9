#!/bin/sh
# Builds the example jobs with one pinned toolchain, so that their bytes and their fuel are the same everywhere.
#   build.sh          rebuilds the .wasm files here and DIGESTS
#   build.sh --check  rebuilds elsewhere and fails if a byte differs from what is committed
# It needs Debian 12's packages rustc, libstd-rust-dev-wasm32 and lld. RUSTC names another compiler.
set -eu
cd "$(dirname "$0")"
rustc=${RUSTC:-/usr/bin/rustc}
wanted="rustc 1.63.0"
found=$("$rustc" --version)
case $found in
"$wanted"*) ;;
*) echo "build.sh: $rustc is '$found', but the committed guests come from '$wanted' (Debian 12)" >&2; exit 2 ;;
esac
modules="csvfilter.wasm linecount.wasm sort.wasm wordcount.wasm words.wasm"

build() {
    common="--edition 2021 --target wasm32-wasi -C lto=fat -C panic=abort
        -C codegen-units=1 -C target-feature=+simd128,+bulk-memory --remap-path-prefix $PWD=guests"
    # Without the C library and its start code, which these do not need.
    bare="$common -C strip=symbols -C link-self-contained=no -C link-arg=-zstack-size=65536 --crate-type bin"
    parts=$(mktemp -d)
    # For size: to the interpreter unrolled loops are no faster, and every session is sent its module.
    small="-C opt-level=s"
    "$rustc" $common $small --crate-type rlib --crate-name base -o "$parts/libbase.rlib" src/base/lib.rs
    for guest in csvfilter sort words; do
        "$rustc" $bare $small --extern base="$parts/libbase.rlib" -o "$1/$guest.wasm" "src/$guest/main.rs"
    done
    rm -r "$parts"
    "$rustc" $bare -C opt-level=3 -o "$1/linecount.wasm" src/linecount.rs
    "$rustc" $common -C opt-level=3 -C strip=symbols --crate-type bin -o "$1/wordcount.wasm" src/wordcount.rs
    (cd "$1" && chmod 644 $modules && sha256sum $modules >DIGESTS)
}

case ${1:-} in
"") build . ;;
--check)
    fresh=$(mktemp -d)
    trap 'rm -rf "$fresh"' EXIT
    build "$fresh"
    for file in $modules DIGESTS; do
        cmp "$file" "$fresh/$file" || { echo "build.sh: $file is not what its source gives: run build.sh and commit" >&2; exit 1; }
    done
    echo "guests: all bytes as committed" ;;
*) echo "usage: build.sh [--check]" >&2; exit 2 ;;
esac
