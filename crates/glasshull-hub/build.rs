//! A page that is built or changed after the hub must get into the next release build. Other builds read its files
//! from the disk while they run, and need no new build, provided the folder was there when they were made.

fn main() {
    // A source that cannot be written to has no page to come either.
    let _ = std::fs::create_dir_all("../../web/dist");
    let release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    println!("cargo::rerun-if-changed={}", if release { "../../web/dist" } else { "build.rs" });
}
