//! What the attribute says about what it cannot do, and that it does not say it about what it can.

#[test]
fn the_attribute_explains_itself() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}
