//! How good data is: scores in six dimensions, one figure of them beside its parts, what to mend first, and where it leads.
//!
//! All of it is computed from [`Measure`]s: so many good of so many. `docs/quality.md` defines each score.

mod accuracy;
mod composite;
mod dimension;
mod history;
mod measure;
mod outlook;
mod policy;
mod recommendation;
mod report;

pub use accuracy::Accuracy;
pub use composite::{Composite, Gate};
pub use dimension::Dimension;
pub use history::{History, HistoryError, MeasureName};
pub use measure::{Cause, Measure};
pub use outlook::{Outlook, OutlookError, Risk, outlook};
pub use policy::{Policy, PolicyError};
pub use recommendation::{Recommendation, Remedy, recommendations};
pub use report::{Part, Report, Scope, Score, report};
