//! The #[trace] attribute of Glasshull
