use glasshull_wire::SESSION_PATH;
use tungstenite::http::Uri;

/// Where a hub is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Address {
    /// Reads `http://HOST:PORT`; what is wrong is said for people.
    pub(crate) fn parse(hub: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{hub}` is no address of a hub: {why}; write it like http://127.0.0.1:7171");
        let uri: Uri = hub.trim().parse().map_err(|_| wrong("it is not a URL"))?;
        match uri.scheme_str() {
            Some("http" | "ws") => {}
            Some("https" | "wss") => return Err(wrong("this SDK speaks no TLS: use a tunnel or a proxy on this host")),
            _ => return Err(wrong("it has to begin with http://")),
        }
        let host = uri.host().map(|host| host.trim_matches(['[', ']'])).filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| wrong("it names no host"))?.to_owned();
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') || (uri.port_u16().is_none() && !authority.ends_with(uri.host().unwrap_or_default()))
        {
            return Err(wrong("host and port are not as they should be"));
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong("it has a path"));
        }
        Ok(Self { host, port: uri.port_u16().unwrap_or(80) })
    }

    pub(crate) fn session_url(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("ws://{host}:{}{SESSION_PATH}", self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let address = Address::parse("http://hub.example:7171/").unwrap();
        assert_eq!(address.session_url(), "ws://hub.example:7171/sdk/v1");
        assert_eq!(Address::parse("http://hub").unwrap().port, 80);
        let six = Address::parse("http://[::1]:7171").unwrap();
        assert_eq!((six.host.as_str(), six.session_url().as_str()), ("::1", "ws://[::1]:7171/sdk/v1"));
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for (hub, why) in [
            ("", "not a URL"),
            ("127.0.0.1:7171", ""),
            ("ftp://hub", "begin with http"),
            ("https://hub", "speaks no TLS"),
            ("http://hub:7171/path", "has a path"),
            ("http://hub:99999", "host and port"),
            ("http://user@hub", "host and port"),
            ("two words", "not a URL"),
        ] {
            let error = Address::parse(hub).unwrap_err();
            assert!(error.contains(why) && error.contains("http://127.0.0.1:7171"), "{error}");
        }
    }
}
