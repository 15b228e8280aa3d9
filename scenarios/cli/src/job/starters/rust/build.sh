#!/bin/sh
# Builds job.wasm. Once before, with rustup: rustup target add wasm32-wasip1
# without it, on Debian: apt-get install rustc libstd-rust-dev-wasm32 lld
set -eu
cd "$(dirname "$0")"
if command -v rustup >/dev/null && rustup target list --installed | grep -qx wasm32-wasip1; then
    cargo build --release --target wasm32-wasip1 --target-dir target
    cp target/wasm32-wasip1/release/job.wasm job.wasm
else
    /usr/bin/rustc --edition 2021 --target wasm32-wasi -C opt-level=s -C panic=abort -C linker=wasm-ld \
        -o job.wasm src/main.rs
fi
