//! A page that is built or changed after the hub must get into the next release build. Other builds read its files
//! from the disk while they run, and need no new build.

fn main() {
    let release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    println!("cargo::rerun-if-changed={}", if release { "../../web/dist" } else { "build.rs" });
}
