//! A place behind one type, whatever it holds: can its content be shown, can it be restored?
//!
//! The macros do not know the type of a receiver, so the compiler decides by *autoref
//! specialisation* (D. Tolnay's name): `(&&&&Look).deadheat_view()` takes the first of four traits
//! whose bounds hold, each implemented one reference deeper than the next.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::panic::{catch_unwind, AssertUnwindSafe};

use crate::place::{AsPlace, Mode};
use crate::text;

/// A shared place, erased. Copied freely; valid for `'a`.
#[derive(Clone, Copy)]
pub struct View<'a> {
    address: *const (),
    table: &'static Table,
    life: PhantomData<&'a ()>,
}

// SAFETY: a view is made only from a `&P` with `P: Sync` (see `Look`), and everything it offers goes
// through that shared reference; contents leave a place only as text or, when `Send`, as a clone.
unsafe impl Send for View<'_> {}
// SAFETY: as above.
unsafe impl Sync for View<'_> {}

/// What can be done with a place of one type. Every function needs the address of a live one.
struct Table {
    free: unsafe fn(*const (), Mode) -> bool,
    show: Option<unsafe fn(*const ()) -> Option<String>>,
    keep: Option<unsafe fn(*const ()) -> Keeping>,
}

type Keeping = Option<Box<dyn Kept>>;

/// A copy of a content that was, and how to put it back.
pub trait Kept: Send {
    /// Puts the content back, if that is possible without waiting.
    fn restore(&self) -> bool;
}

struct Copy<P: AsPlace> {
    place: *const P,
    content: P::Content,
    poisoned: bool,
}

// SAFETY: `place` is used as `&P` only, and `P: Sync`; the content is `Send`.
unsafe impl<P> Send for Copy<P>
where
    P: AsPlace + Sync,
    P::Content: Send,
{
}

impl<P> Kept for Copy<P>
where
    P: AsPlace + Sync,
    P::Content: Clone + Send,
{
    fn restore(&self) -> bool {
        // SAFETY: contents are kept for rooted places only; these live as long as the application.
        let place = unsafe { &*self.place };
        let Some(content) = cloned(&self.content) else {
            return false;
        };
        let done = place.put(content);
        if done && !self.poisoned && place.poisoned() {
            place.heal();
        }
        done
    }
}

impl View<'_> {
    /// Where the place is: two views of one place agree.
    pub fn address(&self) -> usize {
        self.address as usize
    }

    /// Whether a step of this mode would go on at once.
    pub fn free(&self, mode: Mode) -> bool {
        // SAFETY: the place is alive for the lifetime of the view.
        unsafe { (self.table.free)(self.address, mode) }
    }

    /// The content as text; None while it is locked or when its type has no `Debug`.
    pub fn show(&self) -> Option<String> {
        // SAFETY: as above.
        self.table
            .show
            .and_then(|show| unsafe { show(self.address) })
    }

    /// Whether the content could be kept at all.
    pub fn keepable(&self) -> bool {
        self.table.keep.is_some()
    }

    /// A copy of the content; None while it is locked or when its type has no `Clone`.
    pub fn keep(&self) -> Option<Box<dyn Kept>> {
        // SAFETY: as above.
        self.table
            .keep
            .and_then(|keep| unsafe { keep(self.address) })
    }

    /// The same view without its lifetime.
    ///
    /// # Safety
    /// The result must not be used once the place is gone.
    pub unsafe fn erased(self) -> View<'static> {
        View {
            address: self.address,
            table: self.table,
            life: PhantomData,
        }
    }
}

unsafe fn free<P: AsPlace>(address: *const (), mode: Mode) -> bool {
    // SAFETY: the caller gives the address of a live `P`.
    unsafe { &*address.cast::<P>() }.free(mode)
}

unsafe fn show<P: AsPlace>(address: *const ()) -> Option<String>
where
    P::Content: Debug,
{
    // SAFETY: the caller gives the address of a live `P`.
    let place = unsafe { &*address.cast::<P>() };
    let mut shown = None;
    place.look(&mut |content| shown = Some(text::of(content)));
    shown
}

unsafe fn keep<P>(address: *const ()) -> Keeping
where
    P: AsPlace + Sync + 'static,
    P::Content: Clone + Send,
{
    // SAFETY: the caller gives the address of a live `P`.
    let place = unsafe { &*address.cast::<P>() };
    let mut kept = None;
    place.look(&mut |content| kept = cloned(content));
    Some(Box::new(Copy {
        place: address.cast::<P>(),
        content: kept?,
        poisoned: place.poisoned(),
    }))
}

/// A clone; None when the application's own `Clone` panics.
fn cloned<T: Clone>(content: &T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(|| content.clone())).ok()
}

/// A reference to a place, on its way to becoming a view.
pub struct Look<'a, P>(&'a P);

impl<'a, P> Look<'a, P> {
    /// Looks at a place.
    pub fn at(place: &'a P) -> Self {
        Look(place)
    }

    fn view(&self, table: &'static Table) -> View<'a> {
        View {
            address: std::ptr::from_ref(self.0).cast(),
            table,
            life: PhantomData,
        }
    }
}

/// The content has neither `Debug` nor `Clone`.
pub trait ViewOpaque<'a> {
    /// Erases the type.
    fn deadheat_view(&self) -> View<'a>;
}

impl<'a, P: AsPlace + Sync + 'static> ViewOpaque<'a> for Look<'a, P> {
    fn deadheat_view(&self) -> View<'a> {
        self.view(&Table {
            free: free::<P>,
            show: None,
            keep: None,
        })
    }
}

/// The content has `Clone` only.
pub trait ViewClone<'a> {
    /// Erases the type.
    fn deadheat_view(&self) -> View<'a>;
}

impl<'a, P: AsPlace + Sync + 'static> ViewClone<'a> for &Look<'a, P>
where
    P::Content: Clone + Send,
{
    fn deadheat_view(&self) -> View<'a> {
        self.view(&Table {
            free: free::<P>,
            show: None,
            keep: Some(keep::<P>),
        })
    }
}

/// The content has `Debug` only.
pub trait ViewDebug<'a> {
    /// Erases the type.
    fn deadheat_view(&self) -> View<'a>;
}

impl<'a, P: AsPlace + Sync + 'static> ViewDebug<'a> for &&Look<'a, P>
where
    P::Content: Debug,
{
    fn deadheat_view(&self) -> View<'a> {
        self.view(&Table {
            free: free::<P>,
            show: Some(show::<P>),
            keep: None,
        })
    }
}

/// The content has `Debug` and `Clone`.
pub trait ViewBoth<'a> {
    /// Erases the type.
    fn deadheat_view(&self) -> View<'a>;
}

impl<'a, P: AsPlace + Sync + 'static> ViewBoth<'a> for &&&Look<'a, P>
where
    P::Content: Debug + Clone + Send,
{
    fn deadheat_view(&self) -> View<'a> {
        self.view(&Table {
            free: free::<P>,
            show: Some(show::<P>),
            keep: Some(keep::<P>),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;
    use std::sync::{Arc, Mutex};

    macro_rules! view {
        ($place:expr) => {
            (&&&&Look::at($place.deadheat_place())).deadheat_view()
        };
    }

    struct Opaque;
    #[derive(Clone)]
    struct OnlyClone;
    #[derive(Debug)]
    struct OnlyDebug;

    #[test]
    fn the_compiler_chooses_by_what_the_content_can_do() {
        let (opaque, clone, debug) = (
            Mutex::new(Opaque),
            Mutex::new(OnlyClone),
            Mutex::new(OnlyDebug),
        );
        assert!(view!(opaque).show().is_none() && !view!(opaque).keepable());
        assert!(view!(clone).show().is_none() && view!(clone).keepable());
        assert_eq!(view!(debug).show().as_deref(), Some("OnlyDebug"));
        assert!(!view!(debug).keepable());
        let both = Mutex::new(vec![1, 2]);
        assert_eq!(view!(both).show().as_deref(), Some("[1, 2]"));
        assert!(view!(both).keepable());
    }

    #[test]
    fn a_generic_content_is_opaque() {
        fn shown<T: Send + 'static>(place: &Mutex<T>) -> Option<String> {
            view!(place).show()
        }
        assert_eq!(shown(&Mutex::new(1)), None);
    }

    #[test]
    fn kept_content_comes_back() {
        let place = Arc::new(Mutex::new(String::from("first")));
        let kept = view!(place).keep().unwrap();
        place.lock().unwrap().push_str(", second");
        let guard = place.lock().unwrap();
        assert!(!kept.restore(), "not while it is locked");
        drop(guard);
        assert!(kept.restore());
        assert_eq!(*place.lock().unwrap(), "first");
        let number = AtomicU32::new(4);
        let kept = view!(number).keep().unwrap();
        number.store(9, std::sync::atomic::Ordering::SeqCst);
        assert!(kept.restore());
        assert_eq!(view!(number).show().as_deref(), Some("4"));
    }
}
