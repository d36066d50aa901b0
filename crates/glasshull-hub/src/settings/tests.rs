use super::*;

fn layer(text: &str) -> SettingsLayer {
    toml::from_str(text).expect("the layer is TOML")
}

#[test]
fn what_nobody_says_takes_its_default() {
    let settings = Settings::new(SettingsLayer::default()).expect("the defaults are right");
    assert_eq!(settings.listen.to_string(), DEFAULT_LISTEN);
    assert_eq!(settings.stop_within, Duration::from_secs(10));
    assert_eq!(settings.retention, None);
}

#[test]
fn an_upper_layer_hides_the_lower_one() {
    let merged = layer("window = '1h'").over(layer("window = '1m'\nretention = '7d'"));
    let settings = Settings::new(merged).expect("right");
    assert_eq!(settings.window, Duration::from_secs(3600));
    assert_eq!(settings.retention, Some(Duration::from_secs(7 * 24 * 3600)));
}

#[test]
fn a_key_that_does_not_exist_is_refused() {
    let error = toml::from_str::<SettingsLayer>("retension = '7d'").expect_err("there is no such key");
    assert!(error.to_string().contains("retension"), "{error}");
}

#[test]
fn an_address_others_can_reach_needs_a_key() {
    let open = layer("listen = '0.0.0.0:7171'");
    let failure = Settings::new(open.clone()).expect_err("no key");
    assert_eq!(failure.code, "GH5005");
    assert!(failure.message.contains("0.0.0.0:7171"), "{failure}");
    assert!(failure.hint.is_some_and(|hint| hint.contains("GLASSHULL_KEY")));
    Settings::new(layer("key = 'k'").over(open)).expect("with a key it may");
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    for wrong in [
        "window = '10m'\nretention = '1m'",
        "max_instances = 0",
        "window = '0s'",
        "publish_bytes = 2\nlive_bytes = 1",
        "query_timeout = '5m'",
        "memory = '100MiB'",
    ] {
        let failure = Settings::new(layer(wrong)).expect_err(wrong);
        assert_eq!(failure.code, "GH5005", "{wrong}");
    }
}

#[test]
fn printed_settings_can_be_read_again_and_hold_no_secret() {
    let printed = layer("key = 'secret'\nretention = '36h'\nobjects = 's3://calls/shop'").completed().to_toml();
    assert!(!printed.contains("secret"), "{printed}");
    let again = layer(&printed);
    assert_eq!(again.retention, Some(Period::seconds(36 * 3600)));
    assert_eq!(again.over(SettingsLayer::default()).to_toml().replace("none", "set, not shown"), printed);
}

#[test]
fn memory_is_shared_out_but_for_what_is_said_by_name() {
    let small = Settings::new(layer("memory = '352MiB'")).expect("right");
    assert_eq!(
        (small.live_bytes, small.publish_bytes, small.query_memory_bytes),
        (96 << 20, (256 << 20) / 8, 64 << 20)
    );
    let said = Settings::new(layer("memory = '352MiB'\nlive_bytes = 50000000")).expect("right");
    assert_eq!((said.live_bytes, said.shares().live, said.publish_bytes), (50_000_000, 50_000_000, 16_666_666));
    assert_eq!(said.shares().batches, 16 << 20);
}

#[test]
fn sizes_are_written_as_people_do() {
    for (text, bytes) in [("512MiB", 512 << 20), ("1GiB", 1 << 30), ("64 kib", 64 << 10), ("1500", 1_500), ("0", 0)] {
        let size: Size = text.parse().expect(text);
        assert_eq!((size.bytes(), size.to_string().parse()), (bytes, Ok(size)), "{text}");
    }
    for wrong in ["", "GiB", "1 GB", "-1", "1.5GiB", "18446744073709551615KiB"] {
        wrong.parse::<Size>().expect_err(wrong);
    }
}

#[test]
fn periods_are_written_as_people_do() {
    for (text, seconds) in [("20s", 20), ("1h 30m", 5400), ("7d", 604_800), ("0s", 0)] {
        assert_eq!(text.parse(), Ok(Period::seconds(seconds)), "{text}");
    }
    for wrong in ["", "soon", "-5s", "1 month", "5"] {
        wrong.parse::<Period>().expect_err(wrong);
    }
}

#[test]
fn keys_are_compared_whole() {
    let key: Key = "correct-horse".parse().expect("a key");
    assert!(key.is(b"correct-horse"));
    assert!(!key.is(b"correct-hors") && !key.is(b"correct-horse ") && !key.is(b""));
    assert!("".parse::<Key>().is_err() && "two words".parse::<Key>().is_err());
    assert_eq!(format!("{key:?}"), "Key(..)");
}
