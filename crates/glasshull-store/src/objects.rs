//! A local folder as an object store whose objects survive a power cut.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path as FilePath, PathBuf};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};

use crate::StoreError;

const NAME: &str = "FolderObjects";

/// `object_store`'s [`LocalFileSystem`] renames a finished file into place but syncs neither it nor its folder: an
/// object it has accepted may be empty after a power cut, when the journal it was made from is gone. This one syncs
/// before it accepts. Objects put in several parts are not synced; the store puts none.
#[derive(Debug)]
pub struct FolderObjects {
    root: PathBuf,
    files: LocalFileSystem,
}

impl FolderObjects {
    /// The objects in a folder, which is there already.
    ///
    /// # Errors
    /// [`StoreError::ObjectStore`] where it is no folder.
    pub fn new(root: &FilePath) -> std::result::Result<Self, StoreError> {
        let root = root.canonicalize().map_err(|e| StoreError::folder(root, &e))?;
        let files = LocalFileSystem::new_with_prefix(&root)?.with_automatic_cleanup(true);
        Ok(Self { root, files })
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

fn sync_up_to(root: &FilePath, file: &FilePath) -> io::Result<()> {
    for path in file.ancestors().take_while(|path| path.starts_with(root)) {
        File::open(path)?.sync_all()?;
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
        self.files.put_multipart_opts(location, options).await
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
