//! The best way to capture a value of a type the macro knows nothing of: the compiler prefers the implementation that
//! needs the fewest references taken, and each of the ways below needs one more than the one before.

use std::any::type_name;
use std::convert::Infallible;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_core::Serialize;

use crate::value::{Recorder, Word, panic_message, tag};

/// The traits by no name, to be had where a user's types may have any.
pub mod traits {
    pub use super::{
        PutDebug as _, PutDebugError as _, PutDisplay as _, PutError as _, PutErrorBehind as _, PutErrorName as _,
        PutName as _, PutPlain as _, PutSerialize as _, SplitOther as _, SplitResult as _,
    };
}

/// What an expression in `capture(..)` gives. It is the user's: neither it nor the end of what it gives may leave the
/// function it stands in.
pub struct Computed<T>(ManuallyDrop<T>);

/// Why it gives nothing.
pub struct NotComputed(String);

/// Runs such an expression.
///
/// # Errors
/// It panicked.
pub fn compute<T>(expression: impl Fn() -> T) -> Result<Computed<T>, NotComputed> {
    catch_unwind(AssertUnwindSafe(expression)).map(|value| Computed(ManuallyDrop::new(value))).map_err(|panic| {
        let why = format!("capture(..) panicked: {}", panic_message(&*panic));
        drop(Computed(ManuallyDrop::new(panic)));
        NotComputed(why)
    })
}

impl<T> Deref for Computed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Drop for Computed<T> {
    fn drop(&mut self) {
        // SAFETY: it is not used afterwards.
        let dropped = catch_unwind(AssertUnwindSafe(|| unsafe { ManuallyDrop::drop(&mut self.0) }));
        // What panics as it is dropped may carry what does so again.
        dropped.unwrap_or_else(std::mem::forget);
    }
}

impl NotComputed {
    /// Captures why.
    pub fn put(&self, out: &mut Recorder) {
        out.serialize(self);
    }
}

impl Serialize for NotComputed {
    fn serialize<S: serde_core::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde_core::ser::Error::custom(&self.0))
    }
}

/// A value to be captured: numbers and texts as they are, others through `Serialize`, else `Debug`, else the type's name.
pub struct Value<'a, T: ?Sized>(pub &'a T);

/// First choice: a value that no user code stands behind.
pub trait PutPlain {
    /// Captures the value.
    fn put(&self, out: &mut Recorder);
    /// All of the value, if it is so small.
    fn word(&self) -> Option<Word>;
}

/// Second choice.
pub trait PutSerialize {
    /// Captures the value.
    fn put(&self, out: &mut Recorder);
    /// Never known without a look.
    #[inline(always)]
    fn word(&self) -> Option<Word> {
        None
    }
}

/// Third choice.
pub trait PutDebug {
    /// Captures the value.
    fn put(&self, out: &mut Recorder);
    /// Never known without a look.
    #[inline(always)]
    fn word(&self) -> Option<Word> {
        None
    }
}

/// What is left.
pub trait PutName {
    /// Captures the value.
    fn put(&self, out: &mut Recorder);
    /// Never: a name is longer.
    #[inline(always)]
    fn word(&self) -> Option<Word> {
        None
    }
}

impl<T: Plain + ?Sized> PutPlain for &&&Value<'_, T> {
    #[inline]
    fn put(&self, out: &mut Recorder) {
        self.0.record(out);
    }

    #[inline]
    fn word(&self) -> Option<Word> {
        self.0.word()
    }
}

/// What is written without a serializer, in the same form.
pub trait Plain {
    /// Captures the value.
    fn record(&self, out: &mut Recorder);
    /// All of the value, if it is so small.
    #[inline]
    fn word(&self) -> Option<Word> {
        None
    }
}

macro_rules! words {
    ($($ty:ty: $value:ident => $word:expr;)*) => {$(
        impl Plain for $ty {
            #[inline]
            fn record(&self, out: &mut Recorder) {
                let $value = self;
                out.word($word);
            }

            #[inline]
            fn word(&self) -> Option<Word> {
                let $value = self;
                Some($word)
            }
        }
    )*};
}

words! {
    u8: value => Word::number_32(tag::UNSIGNED_32, (*value).into());
    u16: value => Word::number_32(tag::UNSIGNED_32, (*value).into());
    u32: value => Word::number_32(tag::UNSIGNED_32, *value);
    u64: value => Word::number(tag::UNSIGNED, *value);
    usize: value => Word::number(tag::UNSIGNED, *value as u64);
    i8: value => Word::number_32(tag::SIGNED_32, i32::from(*value) as u32);
    i16: value => Word::number_32(tag::SIGNED_32, i32::from(*value) as u32);
    i32: value => Word::number_32(tag::SIGNED_32, *value as u32);
    i64: value => Word::number(tag::SIGNED, *value as u64);
    isize: value => Word::number(tag::SIGNED, *value as u64);
    f32: value => Word::number_32(tag::FLOAT_32, value.to_bits());
    f64: value => Word::number(tag::FLOAT_64, value.to_bits());
    bool: value => Word::plain(if *value { tag::TRUE } else { tag::FALSE });
    (): _value => Word::plain(tag::NULL);
}

impl Plain for str {
    #[inline]
    fn record(&self, out: &mut Recorder) {
        out.text(self);
    }
}

impl Plain for String {
    #[inline]
    fn record(&self, out: &mut Recorder) {
        out.text(self);
    }
}

impl<T: Plain + ?Sized> Plain for &T {
    #[inline]
    fn record(&self, out: &mut Recorder) {
        (**self).record(out);
    }

    #[inline]
    fn word(&self) -> Option<Word> {
        (**self).word()
    }
}

impl<T: Plain + ?Sized> Plain for &mut T {
    #[inline]
    fn record(&self, out: &mut Recorder) {
        (**self).record(out);
    }

    #[inline]
    fn word(&self) -> Option<Word> {
        (**self).word()
    }
}

impl<T: Plain> Plain for Option<T> {
    #[inline]
    fn record(&self, out: &mut Recorder) {
        match self {
            Some(value) => value.record(out),
            None => out.word(Word::plain(tag::NULL)),
        }
    }

    #[inline]
    fn word(&self) -> Option<Word> {
        self.as_ref().map_or(Some(Word::plain(tag::NULL)), T::word)
    }
}

impl<T: Serialize + ?Sized> PutSerialize for &&Value<'_, T> {
    fn put(&self, out: &mut Recorder) {
        out.serialize(self.0);
    }
}

impl<T: Debug + ?Sized> PutDebug for &Value<'_, T> {
    fn put(&self, out: &mut Recorder) {
        out.debug(self.0);
    }
}

impl<T: ?Sized> PutName for Value<'_, T> {
    fn put(&self, out: &mut Recorder) {
        out.opaque(type_name::<T>());
    }
}

/// What a function gave: a `Result` is taken apart, everything else is a value.
pub struct Returned<'a, T>(pub &'a T);

/// First choice.
pub trait SplitResult<'a> {
    /// The value inside `Ok`.
    type Value;
    /// The error inside `Err`.
    type Error;
    /// Takes it apart.
    fn split(&self) -> Result<&'a Self::Value, &'a Self::Error>;
}

/// What is left.
pub trait SplitOther<'a> {
    /// The value itself.
    type Value;
    /// It is never an error.
    fn split(&self) -> Result<&'a Self::Value, &'a Infallible>;
}

impl<'a, T, E> SplitResult<'a> for Returned<'a, Result<T, E>> {
    type Value = T;
    type Error = E;
    fn split(&self) -> Result<&'a T, &'a E> {
        self.0.as_ref()
    }
}

impl<'a, T> SplitOther<'a> for &Returned<'a, T> {
    type Value = T;
    fn split(&self) -> Result<&'a T, &'a Infallible> {
        Ok(self.0)
    }
}

/// An error to be captured: message, type and sources, as far as the type tells them.
pub struct Failure<'a, T>(pub &'a T);

/// An [`Error`].
pub trait PutError {
    /// Captures the error.
    fn put(&self, out: &mut Recorder);
}

/// What leads to an [`Error`]: `Box<dyn Error>`, `anyhow::Error`.
pub trait PutErrorBehind {
    /// Captures the error.
    fn put(&self, out: &mut Recorder);
}

/// What can be displayed.
pub trait PutDisplay {
    /// Captures the error.
    fn put(&self, out: &mut Recorder);
}

/// What can be debugged.
pub trait PutDebugError {
    /// Captures the error.
    fn put(&self, out: &mut Recorder);
}

/// What is left.
pub trait PutErrorName {
    /// Captures the error.
    fn put(&self, out: &mut Recorder);
}

impl<T: Error> PutError for &&&&Failure<'_, T> {
    fn put(&self, out: &mut Recorder) {
        out.failure(format_args!("{}", self.0), "Display", type_name::<T>(), || self.0.source());
    }
}

impl<T: Deref<Target: Error>> PutErrorBehind for &&&Failure<'_, T> {
    fn put(&self, out: &mut Recorder) {
        // Also `deref` is the user's and may panic.
        out.failure(format_args!("{}", Behind(self.0)), "Display", type_name::<T>(), || self.0.deref().source());
    }
}

/// Displays what a value leads to.
struct Behind<'a, T>(&'a T);

impl<T: Deref<Target: Display>> Display for Behind<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.deref().fmt(f)
    }
}

impl<T: Display> PutDisplay for &&Failure<'_, T> {
    fn put(&self, out: &mut Recorder) {
        out.failure(format_args!("{}", self.0), "Display", type_name::<T>(), || None);
    }
}

impl<T: Debug> PutDebugError for &Failure<'_, T> {
    fn put(&self, out: &mut Recorder) {
        out.failure(format_args!("{:?}", self.0), "Debug", type_name::<T>(), || None);
    }
}

impl<T> PutErrorName for Failure<'_, T> {
    fn put(&self, out: &mut Recorder) {
        out.failure(format_args!("an error that cannot be displayed"), "Display", type_name::<T>(), || None);
    }
}
