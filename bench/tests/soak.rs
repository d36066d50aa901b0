//! A short soak; `cargo xtask bench soak` is the long one.

use std::process::Command;

#[test]
fn whatever_happens_around_a_program_its_answers_are_right_and_its_calls_accounted_for() {
    let output = Command::new(env!("CARGO_BIN_EXE_bench")).args(["soak", "--seconds", "15"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
}
