//! Fuel is the clock of compute: it must not depend on how, when or where a module is run.

use crate::support::{LINECOUNT, WORDCOUNT, compile, inputs, run, spec};
use stayput_runtime::engine::{Engine, Module};
use stayput_runtime::local;
use stayput_runtime::session::{Pause, Session};

/// Fuel that linecount uses over [`text`]. It changes only with the guest, the interpreter's
/// version, or what host calls cost; debug and release builds both have to meet it.
const LINECOUNT_FUEL: u64 = 4_826_860;

fn text() -> String {
    let line = |i: usize| match i % 7 {
        3 => format!("{i} has a banana in it\n"),
        5 => format!("{i} b a n a n a {}\n", "b.....".repeat(i % 40)),
        _ => format!("{i} nothing\n"),
    };
    (0..30_000).map(line).collect()
}

fn fuel(module: &Module) -> u64 {
    run(module, &["linecount", "banana"], text()).outcome.fuel
}

#[test]
fn fuel_is_the_same_cold_and_cached_and_in_every_build() {
    let engine = Engine::new();
    let module = engine.compile(LINECOUNT).unwrap();
    let cold = fuel(&module);
    assert_eq!(cold, fuel(&module), "cached");
    assert_eq!(cold, fuel(&engine.compile(LINECOUNT).unwrap()), "compiled again");
    assert_eq!(cold, fuel(&compile(LINECOUNT)), "in another engine");
    assert_eq!(cold, LINECOUNT_FUEL, "in another build");
}

#[test]
fn slices_and_parts_change_nothing() {
    for guest in [LINECOUNT, WORDCOUNT] {
        let module = compile(guest);
        let args = ["guest", "banana"];
        let text = &text()[..200_000];
        let whole = run(&module, &args, text.to_owned());
        for (slice, part) in [(1, 1 << 20), (997, 1), (10_000, 4_096), (1_000_000, 77_777)] {
            let text = inputs(text.to_owned());
            // A slice of one unit of fuel steps often, so it gets the shorter guest only.
            if slice == 1 && guest == WORDCOUNT {
                continue;
            }
            let sliced = local::run_sliced(spec(&module, &args), text, slice, part);
            assert_eq!(whole, sliced, "slice {slice}, parts of {part}");
        }
    }
}

#[test]
fn running_out_of_fuel_happens_at_the_same_place_in_all_slices() {
    let module = compile(LINECOUNT);
    let run = |slice| {
        let mut spec = spec(&module, &["linecount", "banana"]);
        spec.limits.fuel_max = LINECOUNT_FUEL / 3;
        local::run_sliced(spec, inputs(text()), slice, usize::MAX)
    };
    assert_eq!(run(u64::MAX), run(1_003));
    assert_eq!(run(u64::MAX).outcome.fuel, LINECOUNT_FUEL / 3);
}

#[test]
fn a_slice_is_about_as_long_as_it_says() {
    let module = compile(WORDCOUNT);
    let mut session = Session::new(spec(&module, &["wordcount"]));
    let mut before = 0;
    for _ in 0..3 {
        assert_eq!(session.step(0, 10_000), Pause::SliceUsed);
        let used = session.fuel_used() - before;
        assert!((1..=20_000).contains(&used), "{used}");
        before = session.fuel_used();
    }
}

#[test]
fn a_bulk_operation_larger_than_the_slice_still_runs() {
    let module = wat::parse_str(
        "(module (memory (export \"memory\") 100) (func (export \"_start\")
            (memory.fill (i32.const 0) (i32.const 7) (i32.const 6000000))
            (drop (memory.grow (i32.const 100)))
            (memory.copy (i32.const 1) (i32.const 0) (i32.const 6000000))))",
    );
    let module = compile(&module.unwrap());
    let whole = run(&module, &["guest"], "");
    assert_eq!(whole.outcome.end.exit_code(), Some(0));
    assert!(whole.outcome.fuel > 2 * 6_000_000 / 64, "{}", whole.outcome.fuel);
    let sliced = local::run_sliced(spec(&module, &["guest"]), inputs(""), 1, 1);
    assert_eq!(whole, sliced);
}

#[test]
fn a_session_can_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&Session::new(spec(&compile(LINECOUNT), &["linecount"])));
    fn is_sync<T: Send + Sync>(_: &T) {}
    is_sync(&Engine::new());
}
