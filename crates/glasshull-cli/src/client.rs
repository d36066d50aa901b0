//! What the command line asks of a hub.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use glasshull_api::answers::{StatementAnswer, StatementRequest, TreeForm};
use glasshull_api::failure::FailureBody;
use glasshull_api::{API, Code, Failure};
use serde::de::DeserializeOwned;
use ureq::http::{Response, header};
use ureq::{Agent, Body};

use crate::failed::Failed;

/// To reach a hub on any network that is worth using.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Longer than any query may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// A hub says something on a stream of events at least every ten seconds.
const SILENT_FOR: Duration = Duration::from_secs(30);

/// An answer, in bytes: rows are limited by the hub; this keeps a wrong address from filling the memory.
const MAX_ANSWER_BYTES: u64 = 512 * 1024 * 1024;

/// A hub, as seen from here.
pub(crate) struct Client {
    pub(crate) url: String,
    pub(crate) key: Option<String>,
    agent: Agent,
}

/// The texts of a stream of events, as they come.
pub(crate) type Events = Box<dyn Iterator<Item = std::io::Result<String>>>;

impl Client {
    pub(crate) fn new(url: &str, key: Option<&str>) -> Result<Self, Failed> {
        let url = url.trim_end_matches('/');
        if !url.starts_with("http://") {
            let failure = Failure::new(Code::SettingsWrong, format!("`{url}` is no hub's address."));
            return Err(failure.hint("Write it as http://HOST:PORT, such as http://127.0.0.1:7171.").into());
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_WITHIN))
            .timeout_recv_response(Some(ANSWER_WITHIN))
            .timeout_per_read(Some(SILENT_FOR))
            // A hub is asked directly; what it answers is nobody else's business.
            .proxy(None)
            .max_redirects(0)
            .user_agent(concat!("glasshull/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Ok(Self { url: url.to_owned(), key: key.map(str::to_owned), agent })
    }

    /// `GET` of a path of the API.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failed> {
        read(self.get_raw(&format!("{API}/{path}"))?)
    }

    /// `GET` of any path.
    pub(crate) fn get_raw(&self, path: &str) -> Result<Response<Body>, Failed> {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        request.call().map_err(|error| self.unreachable(&error))
    }

    /// Carries out a statement.
    pub(crate) fn statement(&self, statement: &str, max_rows: Option<u32>) -> Result<StatementAnswer, Failed> {
        let mut request = self.agent.post(format!("{}{API}/statements", self.url));
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        let body = StatementRequest { statement: statement.to_owned(), max_rows, tree: TreeForm::Calls };
        let response = request.send_json(&body).map_err(|error| self.unreachable(&error))?;
        read(response).map_err(|failed| match failed {
            Failed::Failure(failure) => Failed::Statement { failure, statement: statement.to_owned() },
            other => other,
        })
    }

    /// A stream of events: the text of each `data:`.
    pub(crate) fn events(&self, path: &str) -> Result<Events, Failed> {
        let response = self.get_raw(&format!("{API}/{path}"))?;
        if !response.status().is_success() {
            return Err(refused(response));
        }
        let body = response.into_body().into_with_config().limit(u64::MAX).reader();
        let lines = BufReader::new(body).lines();
        Ok(Box::new(lines.filter_map(|line| match line {
            Ok(line) => line.strip_prefix("data:").map(|data| Ok(data.trim_start().to_owned())),
            Err(error) => Some(Err(error)),
        })))
    }

    fn unreachable(&self, error: &ureq::Error) -> Failed {
        let failure =
            Failure::new(Code::AddressUnusable, format!("The hub at {} cannot be reached: {error}.", self.url));
        let hint = "Start one with `glasshull up`, or say where it is with --hub or GLASSHULL_HUB; \
            `glasshull doctor` tells more.";
        failure.hint(hint).into()
    }
}

fn read<T: DeserializeOwned>(mut response: Response<Body>) -> Result<T, Failed> {
    if !response.status().is_success() {
        return Err(refused(response));
    }
    let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_json();
    body.map_err(|error| {
        Failure::new(Code::Internal, format!("The hub's answer is not understood: {error}."))
            .hint("Perhaps the address is not a hub's, or the hub is of another version; ask `glasshull doctor`.")
            .into()
    })
}

/// The failure in an answer; something else that listens there has its own ways to say no.
fn refused(mut response: Response<Body>) -> Failed {
    let status = response.status();
    match response.body_mut().read_json::<FailureBody>() {
        Ok(body) => body.error.into(),
        Err(_) => Failure::new(Code::Internal, format!("The answer was {status}, and not a hub's."))
            .hint("Does a hub listen at this address? `glasshull doctor` tells more.")
            .into(),
    }
}
