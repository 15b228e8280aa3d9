#!/bin/sh
# Builds job.wasm. On Debian: apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32
# or with the WASI SDK: CC=/opt/wasi-sdk/bin/clang sh build.sh
set -eu
cd "$(dirname "$0")"
if [ -z "${CC:-}" ] && [ -d /usr/include/wasm32-wasi ]; then
    CC="clang --sysroot=/usr -I/usr/include/wasm32-wasi -L/usr/lib/wasm32-wasi"
fi
${CC:-clang} --target=wasm32-wasi -O2 -o job.wasm main.c
