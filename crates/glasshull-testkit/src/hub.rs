use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use glasshull_hub::{Components, Hub, Settings, SettingsLayer, listen, open_objects, take_folder};
use tempfile::TempDir;

use crate::{Http, ManualClock, TestInstance, eventually};

/// A real hub in this process, on a free port, with a data folder of its own.
pub struct TestHub {
    hub: Option<Hub>,
    address: SocketAddr,
    layer: SettingsLayer,
    folder: TempDir,
    /// What it takes for the time.
    pub clock: Arc<ManualClock>,
}

impl TestHub {
    /// A hub with default settings.
    pub async fn start() -> Self {
        Self::start_with(SettingsLayer::default()).await
    }

    /// A hub with some settings of its own; address and folder are chosen here.
    pub async fn start_with(layer: SettingsLayer) -> Self {
        let mut hub = Self {
            hub: None,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            layer,
            folder: tempfile::tempdir().expect("a temporary folder"),
            clock: Arc::new(ManualClock::new()),
        };
        hub.go().await;
        hub
    }

    /// Stops it in good order.
    pub async fn stop(&mut self) {
        if let Some(hub) = self.hub.take() {
            hub.stop().await;
        }
    }

    /// Stops it in good order, and starts it again with the same data on the same port.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.go().await;
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it keeps everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A client.
    pub fn http(&self) -> Http {
        Http::new(self.address)
    }

    /// An instance that has connected and been welcomed.
    pub async fn instance(&self, service: &str) -> TestInstance {
        TestInstance::welcomed(self.address, service).await
    }

    /// A number from `/metrics`; 0 where it is not told.
    pub async fn metric(&self, name: &str) -> f64 {
        let text = self.http().get("/metrics").await.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or(0.0)
    }

    async fn go(&mut self) {
        let layer = SettingsLayer {
            data: Some(self.folder.path().to_owned()),
            listen: Some(self.address),
            ..self.layer.clone()
        };
        let settings = Settings::new(layer).expect("the settings are right");
        // A program that another test is starting has this process's sockets open for a moment.
        let listener = eventually("the port is free", async || listen(self.address).await.ok()).await;
        let folder = take_folder(&settings.data).expect("the folder is free");
        let components = Components {
            listener,
            object_store: open_objects(&settings, &folder, "test").await.expect("the objects can be used"),
            folder,
            clock: self.clock.clone(),
            fresh_name: "test".into(),
        };
        let hub = Hub::start(settings, components).await.expect("the hub starts");
        self.address = hub.address();
        self.hub = Some(hub);
    }
}
