//! Names of what never leaves the process. `docs/redaction.md` lists them for people.

/// Names that contain one of these name secrets. Sorted.
pub(super) const ANYWHERE: &[&str] = &[
    "accesskey",
    "accountkey",
    "accountnumber",
    "apikey",
    "authkey",
    "backupcode",
    "bankaccount",
    "cardnumber",
    "cardverification",
    "connectionstring",
    "contrasea",
    "contrasena",
    "credential",
    "creditcard",
    "debitcard",
    "decryptionkey",
    "driverlicense",
    "driverslicense",
    "encryptionkey",
    "gpgkey",
    "hmackey",
    "kennwort",
    "licensekey",
    "masterkey",
    "mnemonic",
    "motdepasse",
    "nationalid",
    "onetimecode",
    "passcode",
    "passphrase",
    "passportnumber",
    "passwd",
    "password",
    "passwort",
    "pgpkey",
    "privatekey",
    "privkey",
    "recoverycode",
    "routingnumber",
    "secret",
    "securityanswer",
    "securitycode",
    "seedphrase",
    "serviceaccountkey",
    "sessionkey",
    "sharedkey",
    "signingkey",
    "socialsecurity",
    "sshkey",
    "symmetrickey",
    "taxid",
    "taxnumber",
    "verificationcode",
    "voterid",
];

/// Names that end in one of these: `accessToken`, but not `tokens_used`.
pub(super) const AT_THE_END: &[&str] =
    &["authorization", "bearer", "cookie", "cookies", "iban", "jwt", "otp", "passkey", "pwd", "sessionid", "token"];

/// Names that are one of these: too short or too common to be looked for inside others. Sorted.
pub(super) const WHOLE: &[&str] = &[
    "2fa",
    "auth",
    "card",
    "cardno",
    "cc",
    "ccnumber",
    "connectsid",
    "csrf",
    "cvc",
    "cvc2",
    "cvv",
    "cvv2",
    "databaseurl",
    "dburl",
    "dsn",
    "jsessionid",
    "keystore",
    "magstripe",
    "mfa",
    "mfacode",
    "nino",
    "oauth",
    "pan",
    "pass",
    "passport",
    "pem",
    "pemfile",
    "pfx",
    "phpsessid",
    "pin",
    "pinblock",
    "pincode",
    "pkcs12",
    "pkcs8",
    "salt",
    "session",
    "sid",
    "sortcode",
    "ssn",
    "tfa",
    "totp",
    "track1",
    "track2",
    "trackdata",
    "usersession",
    "xsrf",
];

/// Longer names are looked at up to here, in letters and digits.
const MAX_NAME_BYTES: usize = 256;

/// A name without case, `_`, `-` and whatever else is neither letter nor digit.
pub(super) struct Normal {
    bytes: [u8; MAX_NAME_BYTES],
    length: usize,
}

impl Normal {
    pub(super) fn of(name: &str) -> Self {
        let mut normal = Self { bytes: [0; MAX_NAME_BYTES], length: 0 };
        for byte in name.bytes().filter(u8::is_ascii_alphanumeric).take(MAX_NAME_BYTES) {
            normal.bytes[normal.length] = byte.to_ascii_lowercase();
            normal.length += 1;
        }
        normal
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }

    /// Whether it is a name of secrets whatever stands around it.
    pub(super) fn is_plain(&self) -> bool {
        contains_any(self.as_str()) || (self.is_at_the_end() && !self.as_str().ends_with("token"))
    }

    pub(super) fn is_secret(&self) -> bool {
        contains_any(self.as_str()) || self.is_at_the_end() || WHOLE.binary_search(&self.as_str()).is_ok()
    }

    fn is_at_the_end(&self) -> bool {
        AT_THE_END.iter().any(|secret| self.as_str().ends_with(secret))
    }
}

fn contains_any(name: &str) -> bool {
    let at = |from: usize| {
        let rest = &name.as_bytes()[from..];
        beginning_with(rest[0]).iter().any(|secret| rest.starts_with(secret.as_bytes()))
    };
    (0..name.len()).any(at)
}

/// For each first byte, where in [`ANYWHERE`] the names with that byte or a higher one begin.
const BEGINS: [u8; 257] = begins();
const _: () = assert!(ANYWHERE.len() < 256, "places in BEGINS are bytes");

const fn begins() -> [u8; 257] {
    let mut begins = [0; 257];
    let (mut byte, mut place) = (0, 0);
    while byte <= 256 {
        while place < ANYWHERE.len() && (ANYWHERE[place].as_bytes()[0] as usize) < byte {
            place += 1;
        }
        begins[byte] = place as u8;
        byte += 1;
    }
    begins
}

fn beginning_with(byte: u8) -> &'static [&'static str] {
    let byte = usize::from(byte);
    &ANYWHERE[usize::from(BEGINS[byte])..usize::from(BEGINS[byte + 1])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_normal_and_say_nothing_twice() {
        for list in [ANYWHERE, WHOLE, AT_THE_END] {
            assert!(list.is_sorted() && list.windows(2).all(|pair| pair[0] != pair[1]));
            assert!(list.iter().all(|name| Normal::of(name).as_str() == *name));
        }
        assert!(ANYWHERE.len() + WHOLE.len() + AT_THE_END.len() > 100);
        let needless = |name: &&&str| contains_any(name);
        assert_eq!(WHOLE.iter().chain(AT_THE_END).find(needless), None);
    }

    #[test]
    fn every_name_is_found_wherever_it_stands() {
        for name in ANYWHERE {
            assert!(contains_any(name) && contains_any(&format!("a{name}b")), "{name}");
        }
        assert!(!contains_any("") && !contains_any("passwor") && !contains_any("zzz9"));
    }

    #[test]
    fn the_documentation_lists_every_name() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/redaction.md");
        // The published crate has no such file.
        let Ok(page) = std::fs::read_to_string(path) else { return };
        let listed: Vec<&str> =
            page.lines().filter(|line| line.starts_with("    ")).flat_map(str::split_whitespace).collect();
        let all = [ANYWHERE, AT_THE_END, WHOLE].concat();
        assert_eq!(listed, all, "docs/redaction.md must list the names as the code does");
    }
}
