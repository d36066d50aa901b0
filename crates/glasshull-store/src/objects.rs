//! A local folder as an object store whose objects survive a power cut.

use std::fmt;
use std::io;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use crate::{StoreError, durable};

const NAME: &str = "FolderObjects";

/// `object_store`'s [`LocalFileSystem`] renames a finished file into place but syncs neither it nor its folder: an
/// object it has accepted may be empty after a power cut, when the journal it was made from is gone. This one syncs
/// before it accepts.
#[derive(Clone, Debug)]
pub struct FolderObjects {
    root: PathBuf,
    files: Arc<LocalFileSystem>,
}

/// An object that comes in parts, and is synced when it is whole.
#[derive(Debug)]
struct SyncedUpload {
    parts: Box<dyn MultipartUpload>,
    objects: FolderObjects,
    location: Path,
}

#[async_trait]
impl MultipartUpload for SyncedUpload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        self.parts.put_part(part)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let put = self.parts.complete().await?;
        self.objects.sync(&self.location).await?;
        Ok(put)
    }

    async fn abort(&mut self) -> Result<()> {
        self.parts.abort().await
    }
}

impl FolderObjects {
    /// The objects in a folder, which is there already and nobody else writes to: what a crash left of objects that were
    /// being put is deleted.
    ///
    /// # Errors
    /// [`StoreError::ObjectStore`] where it is no folder.
    pub fn new(root: &FilePath) -> std::result::Result<Self, StoreError> {
        let root = root.canonicalize().map_err(|e| StoreError::folder(root, &e))?;
        delete_unfinished(&root);
        let files = LocalFileSystem::new_with_prefix(&root)?.with_automatic_cleanup(true);
        Ok(Self { root, files: Arc::new(files) })
    }

    /// Syncs the object and each folder between it and the root: any of them may be new.
    async fn sync(&self, location: &Path) -> Result<()> {
        let file = self.files.path_to_filesystem(location)?;
        let root = self.root.clone();
        let synced = tokio::task::spawn_blocking(move || sync_up_to(&root, &file)).await;
        let failed = |source| object_store::Error::Generic { store: NAME, source };
        synced.map_err(|e| failed(Box::new(e)))?.map_err(|e| failed(Box::new(e)))
    }
}

/// Deletes files that are no objects yet: their names end in `#` and a number. What cannot be deleted takes room and is
/// not read.
fn delete_unfinished(folder: &FilePath) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            delete_unfinished(&path);
        } else if is_unfinished(&path)
            && let Err(error) = std::fs::remove_file(&path)
        {
            tracing::warn!(path = %path.display(), %error, "what a crash left of an object could not be deleted");
        }
    }
}

fn is_unfinished(file: &FilePath) -> bool {
    let number = file.file_name().and_then(|name| name.to_str()?.rsplit_once('#')).map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
}

fn sync_up_to(root: &FilePath, file: &FilePath) -> io::Result<()> {
    for path in file.ancestors().take_while(|path| path.starts_with(root)) {
        durable::sync(path)?;
    }
    Ok(())
}

impl fmt::Display for FolderObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{NAME}({})", self.root.display())
    }
}

#[async_trait]
impl ObjectStore for FolderObjects {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let put = self.files.put_opts(location, payload, options).await?;
        self.sync(location).await?;
        Ok(put)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let parts = self.files.put_multipart_opts(location, options).await?;
        Ok(Box::new(SyncedUpload { parts, objects: self.clone(), location: location.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[std::ops::Range<u64>]) -> Result<Vec<bytes::Bytes>> {
        self.files.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await?;
        self.sync(to).await
    }
}
