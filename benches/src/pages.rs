//! Which pages of memory a measured program is given.

use std::env;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Has the allocator ask for pages of 4 KB.
pub(crate) const SMALL: (&str, &str) = ("MIMALLOC_ALLOW_THP", "0");

/// Begins this program anew in pages of 4 KB, unless it was told which to take.
///
/// The allocator asks for pages of 2 MB, as the programs beside ours do not. A virtual machine takes so long to clear them that of a run of
/// half a second a fourth was that, more or less, as it happened to have some at hand.
pub(crate) fn begin_in_small() -> io::Result<()> {
    let (name, value) = SMALL;
    if env::var_os(name).is_some() {
        return Ok(());
    }
    Err(Command::new(env::current_exe()?).args(env::args_os().skip(1)).env(name, value).exec())
}
