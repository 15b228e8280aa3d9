//! Modules: any bytes. What compiles runs within its bounds and comes to the same end in steps of
//! any size.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use stayput_fuzz::run;
use stayput_runtime::engine::Engine;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::new);

fuzz_target!(|bytes: &[u8]| {
    if let Ok(module) = ENGINE.compile(bytes) {
        run(&module, &[]);
    }
});
