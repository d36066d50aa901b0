//! The program `glasshull up`.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::small_disk::SmallDisk;

/// How long anything may take that is awaited. Generous: a loaded machine is no failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A hub that can be killed and started again on the same port with the same data.
pub(crate) struct HubProcess {
    address: SocketAddr,
    home: Home,
    arguments: Vec<String>,
    variables: Vec<(&'static str, String)>,
    child: Option<Child>,
}

/// Where a hub keeps its data folder.
enum Home {
    Folder(TempDir),
    Disk(SmallDisk),
}

impl Home {
    fn path(&self) -> PathBuf {
        let path = match self {
            Self::Folder(folder) => folder.path(),
            Self::Disk(disk) => disk.path(),
        };
        path.join("data")
    }

    fn command(&self, program: &Path) -> Command {
        match self {
            Self::Folder(_) => Command::new(program),
            Self::Disk(disk) => disk.command(program),
        }
    }
}

impl HubProcess {
    /// A hub with an empty data folder, ready.
    pub(crate) fn start() -> Self {
        let mut hub = Self::absent();
        hub.restart();
        hub
    }

    /// A hub that has an address and does not run yet.
    pub(crate) fn absent() -> Self {
        Self::at(Home::Folder(tempfile::tempdir().expect("a temporary folder")))
    }

    /// A hub that has a disk to itself, and does not run yet.
    pub(crate) fn on(disk: SmallDisk) -> Self {
        Self::at(Home::Disk(disk))
    }

    fn at(home: Home) -> Self {
        Self { address: free_address(), home, arguments: Vec::new(), variables: Vec::new(), child: None }
    }

    /// With arguments of its own, each time it starts.
    pub(crate) fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// In an environment of its own, each time it starts.
    pub(crate) fn with_variables(mut self, variables: Vec<(&'static str, String)>) -> Self {
        self.variables = variables;
        self
    }

    /// The same hub, as far as those know who connect to it, on another machine: nothing of its disk is there.
    pub(crate) fn lose_machine(&mut self) {
        self.home = Home::Folder(tempfile::tempdir().expect("a temporary folder"));
    }

    /// What it says where it does not come up, or when it has ended by itself: its exit code and its last words.
    pub(crate) fn last_words(&mut self) -> (Option<i32>, String) {
        let mut child = self.child.take().unwrap_or_else(|| self.spawn(Stdio::piped()));
        let deadline = Instant::now() + PATIENCE;
        while child.try_wait().expect("it can be watched").is_none() {
            assert!(Instant::now() < deadline, "it has not ended");
            std::thread::sleep(Duration::from_millis(25));
        }
        let told = child.wait_with_output().expect("it has ended");
        (told.status.code(), String::from_utf8_lossy(&told.stderr).into_owned())
    }

    /// Its disk.
    ///
    /// # Panics
    /// If it has none to itself.
    pub(crate) fn disk(&self) -> &SmallDisk {
        match &self.home {
            Home::Disk(disk) => disk,
            Home::Folder(_) => panic!("this hub has no disk to itself"),
        }
    }

    /// Starts it, and waits until it is ready.
    pub(crate) fn restart(&mut self) {
        self.child = Some(self.spawn(Stdio::inherit()));
        eventually("the hub is ready", || ureq::get(format!("{}/readyz", self.url())).call().is_ok());
    }

    fn spawn(&self, errors: Stdio) -> Child {
        let mut command = self.home.command(&program("glasshull"));
        command.args(["up", "--listen", &self.address.to_string(), "--data"]).arg(self.home.path());
        command.args(&self.arguments).envs(self.variables.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).spawn().expect("glasshull starts")
    }

    /// As [`Self::restart`]; what it says is for [`Self::last_words`].
    pub(crate) fn restart_and_listen(&mut self) {
        self.child = Some(self.spawn(Stdio::piped()));
        eventually("the hub is ready", || ureq::get(format!("{}/readyz", self.url())).call().is_ok());
    }

    /// With a data folder in which a hub has run.
    pub(crate) fn started_once(mut self) -> Self {
        self.restart();
        self.stop();
        self
    }

    /// As people start it who say nothing.
    pub(crate) fn without_arguments(mut self) -> Self {
        self.arguments.clear();
        self
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(&mut self) {
        let mut child = self.child.take().expect("it runs");
        let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
        assert!(asked.expect("kill").success());
        assert!(child.wait().expect("it ends").success(), "it ends in good order");
    }

    /// `kill -9`: no flush, no goodbye.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What `GET /api/v1/…` answers.
    pub(crate) fn get(&self, path: &str) -> Value {
        let answer = ureq::get(format!("{}/api/v1/{path}", self.url())).call();
        answer.expect("an answer").body_mut().read_json().expect("JSON")
    }

    /// The status and the text of `/readyz`.
    pub(crate) fn ready(&self) -> (u16, String) {
        let asked = ureq::get(format!("{}/readyz", self.url())).config().http_status_as_error(false).build().call();
        let mut answer = asked.expect("an answer");
        (answer.status().as_u16(), answer.body_mut().read_to_string().expect("text"))
    }

    /// A number from `/metrics`; 0 where it is not told.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let text = ureq::get(format!("{}/metrics", self.url())).call().expect("an answer").body_mut().read_to_string();
        let text = text.expect("text");
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap_or("0");
        value.parse().unwrap_or_else(|e| panic!("{name} is {value}: {e}"))
    }

    /// What a statement answers, or the failure it is refused with.
    pub(crate) fn try_statement(&self, statement: &str) -> Result<Value, Value> {
        let mut answer = ureq::post(format!("{}/api/v1/statements", self.url()))
            .config()
            .http_status_as_error(false)
            .build()
            .send_json(json!({ "statement": statement }))
            .expect("an answer");
        let body = answer.body_mut().read_json().expect("JSON");
        if answer.status().is_success() { Ok(body) } else { Err(body) }
    }

    pub(crate) fn statement(&self, statement: &str) -> Value {
        self.try_statement(statement).unwrap_or_else(|failure| panic!("{statement}: {failure}"))
    }

    /// The rows a question is answered with, none of them missing.
    pub(crate) fn rows(&self, question: &str) -> Vec<Vec<Value>> {
        let answer = self.statement(question);
        assert_eq!(answer["partial"], Value::Null, "{question}");
        serde_json::from_value(answer["rows"].clone()).expect("rows")
    }

    /// The one number a question is answered with.
    pub(crate) fn number(&self, question: &str) -> u64 {
        let rows = self.rows(question);
        rows[0][0].as_u64().unwrap_or_else(|| panic!("{question}: {rows:?}"))
    }
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A built program, beside the tests' own.
pub(crate) fn program(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("the test's own path");
    let folder = here.ancestors().nth(2).expect("target/PROFILE");
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{name} is not built: `cargo build --profile quick --workspace --bins` does it");
    path
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    let here = std::env::current_exe().expect("the test's own path");
    here.ancestors().nth(3).expect("target").to_owned()
}

pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address")
}

/// Waits until something holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    eventually_told(what, |_| holds());
}

/// Waits until something holds, which says each time what it has found instead.
pub(crate) fn eventually_told(what: &str, mut holds: impl FnMut(&mut String) -> bool) {
    let (deadline, mut found) = (Instant::now() + PATIENCE, String::new());
    while !holds(&mut found) {
        assert!(Instant::now() < deadline, "not within {} s: {what}. {found}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(25));
    }
}
