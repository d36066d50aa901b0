use std::path::Path;

fn told() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/told.txt");
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn files_beside_the_source_are_found() {
    assert_eq!(told().trim(), "told");
    assert_eq!(std::fs::read_to_string("tests/data/told.txt").unwrap(), told());
    assert_eq!(include_str!("data/told.txt"), told());
}

#[test]
fn the_program_runs() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_app")).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}
