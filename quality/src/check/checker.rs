//! Checks over the rows of a table, batch by batch.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::judge::Judge;
use super::lags::Lags;
use super::state::{Held, State};
use super::tally::{Example, Tally};
use super::{Batch, Check, CheckError, Rule, Settings};
use crate::score::Cause;

/// Makes checks over the rows of a table, batch by batch.
///
/// ```
/// use accordant_quality::check::{Batch, Check, Checker, Column, Rule, Settings, Values};
///
/// let unique = Check { name: "one row an order".into(), rule: Rule::Unique { columns: vec!["order".into()] }, at_least: 1.0 };
/// let mut checker = Checker::new(vec![unique], Settings::default())?;
/// checker.take(&Batch::of(3).with("order", Column::full(Values::Whole(&[7, 8, 7])))?)?;
/// let outcome = &checker.outcomes()?[0];
/// assert_eq!((outcome.good, outcome.of, outcome.passed()), (2, 3, Some(false)));
/// # Ok::<(), accordant_quality::check::CheckError>(())
/// ```
#[derive(Debug)]
pub struct Checker {
    judges: Vec<Judge>,
    states: Vec<State>,
    settings: Settings,
    broken: bool,
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Outcome {
    /// The name of the check.
    pub check: String,
    /// What is wrong with rows that do not pass. It says which [dimension](Cause::dimension) is measured.
    pub cause: Cause,
    /// The columns that it looks at; none where it looks at the table.
    pub columns: Vec<String>,
    /// How many rows the table has.
    pub rows: u64,
    /// How many pass.
    pub good: u64,
    /// How many were judged.
    pub of: u64,
    /// The least share that must pass.
    pub at_least: f64,
    /// A few that do not.
    pub examples: Vec<Example>,
    /// Of a check of freshness, the ages of all that are not in the future.
    pub lags: Option<Lags>,
}

impl Outcome {
    /// The share that passes. Nothing where nothing was judged.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 rows, one more is not seen in a share")]
    pub fn share(&self) -> Option<f64> {
        (self.of > 0).then(|| self.good as f64 / self.of as f64)
    }

    /// Whether enough pass. Nothing where nothing was judged.
    #[must_use]
    pub fn passed(&self) -> Option<bool> {
        self.share().map(|share| share >= self.at_least)
    }

    /// How many do not pass.
    #[must_use]
    pub const fn failing(&self) -> u64 {
        self.of.saturating_sub(self.good)
    }
}

/// A check taken out, with its place.
#[cfg(feature = "parquet")]
type Placed = (usize, Judge, State);

impl Checker {
    /// Makes these checks, of rows that are to come.
    ///
    /// # Errors
    ///
    /// [`CheckError`] if there are none, if two have one name, or if one asks for what no row can do.
    pub fn new(checks: Vec<Check>, settings: Settings) -> Result<Self, CheckError> {
        if checks.is_empty() {
            return Err(CheckError::NoChecks);
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = checks.iter().find(|check| !names.insert(check.name.as_str())) {
            return Err(CheckError::TwiceNamed { name: twice.name.clone() });
        }
        let states = checks.iter().map(State::new).collect();
        let judges = checks.into_iter().map(Judge::new).collect::<Result<_, _>>()?;
        Ok(Self { judges, states, settings, broken: false })
    }

    /// Goes on from these states, one of each check and in their order.
    ///
    /// # Errors
    ///
    /// As [`Checker::new`]; [`CheckError::OtherChecks`] if the states are not of these checks, or not of the same rows. A check is
    /// known by its name, and by the kind of its rule: whoever asks for something else under a name begins anew.
    pub fn resume(checks: Vec<Check>, settings: Settings, states: Vec<State>) -> Result<Self, CheckError> {
        let fresh = Self::new(checks, settings)?;
        let same = states.len() == fresh.judges.len()
            && states.iter().zip(&fresh.judges).all(|(state, judge)| state.is_of(&judge.check))
            && states.windows(2).all(|pair| pair[0].rows() == pair[1].rows());
        if same { Ok(Self { states, ..fresh }) } else { Err(CheckError::OtherChecks) }
    }

    /// Says how many rows to expect, so that there is room for their keys from the start, as far as the bound allows.
    pub fn expect(&mut self, rows: u64) {
        for state in &mut self.states {
            if let Held::Keys(keys) = &mut state.held {
                keys.expect(rows, &self.settings);
            }
        }
    }

    /// The columns that are looked at, each with a check that does; some may come twice.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.judges.iter().flat_map(|judge| {
            judge.check.rule.columns().into_iter().map(move |column| (judge.check.name.as_str(), column))
        })
    }

    /// Takes the next rows.
    ///
    /// # Errors
    ///
    /// [`CheckError::NoColumn`] or [`CheckError::Kind`] if a check cannot be made of such a batch: nothing of it was taken.
    /// [`CheckError::Spill`] if keys have no room: from then on, there is only [`CheckError::Broken`].
    pub fn take(&mut self, batch: &Batch<'_>) -> Result<(), CheckError> {
        self.whole()?;
        for judge in &self.judges {
            judge.fits(batch)?;
        }
        self.broken = true;
        for (judge, state) in self.judges.iter().zip(&mut self.states) {
            judge.take(state, batch, &self.settings)?;
        }
        self.broken = false;
        Ok(())
    }

    const fn whole(&self) -> Result<(), CheckError> {
        if self.broken { Err(CheckError::Broken) } else { Ok(()) }
    }

    /// What was seen up to now, a state of each check.
    ///
    /// # Errors
    ///
    /// [`CheckError::Broken`] if a batch was not taken whole.
    pub fn states(&self) -> Result<&[State], CheckError> {
        self.whole().map(|()| self.states.as_slice())
    }

    /// The same, taken out.
    ///
    /// # Errors
    ///
    /// [`CheckError::Broken`] if a batch was not taken whole.
    pub fn into_states(self) -> Result<Vec<State>, CheckError> {
        self.whole().map(|()| self.states)
    }

    /// Puts behind what was seen what the same checks saw of the rows behind.
    ///
    /// # Errors
    ///
    /// [`CheckError::OtherChecks`] if they are the states of other checks, and nothing has changed; [`CheckError::Spill`] as in
    /// [`Checker::take`].
    pub fn merge(&mut self, later: Vec<State>) -> Result<(), CheckError> {
        self.whole()?;
        let same = later.len() == self.judges.len()
            && later.iter().zip(&self.judges).all(|(state, judge)| state.is_of(&judge.check))
            && self.states.iter().zip(&later).all(|(state, later)| state.rows_with(later).is_some())
            && later.windows(2).all(|pair| pair[0].rows() == pair[1].rows());
        if !same {
            return Err(CheckError::OtherChecks);
        }
        self.broken = true;
        for (state, later) in self.states.iter_mut().zip(later) {
            state.merge(later, &self.settings)?;
        }
        self.broken = false;
        Ok(())
    }

    /// What each check comes to, in their order. More rows may be taken behind it.
    ///
    /// # Errors
    ///
    /// [`CheckError::Broken`] if a batch was not taken whole, [`CheckError::Spill`] if a file of keys cannot be read.
    pub fn outcomes(&self) -> Result<Vec<Outcome>, CheckError> {
        self.whole()?;
        self.judges.iter().zip(&self.states).map(|(judge, state)| self.outcome(&judge.check, state)).collect()
    }

    /// Checks that share no columns, each group as a checker of its own with the places of its checks, and what is left.
    #[cfg(feature = "parquet")]
    pub(crate) fn apart(mut self) -> (Self, Vec<(Vec<usize>, Self)>) {
        let mut groups: Vec<(BTreeSet<String>, Vec<Placed>)> = Vec::new();
        for (place, (judge, state)) in self.judges.drain(..).zip(self.states.drain(..)).enumerate() {
            let columns: BTreeSet<String> = judge.check.rule.columns().into_iter().map(str::to_owned).collect();
            let mut joined = (columns, vec![(place, judge, state)]);
            let (same, others) = groups.into_iter().partition(|(held, _)| !held.is_disjoint(&joined.0));
            groups = others;
            for (columns, checks) in same {
                joined.0.extend(columns);
                joined.1.extend(checks);
            }
            groups.push(joined);
        }
        // Checks of the table alone go with any other.
        let (alone, mut groups): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(columns, _)| columns.is_empty());
        for (columns, checks) in alone {
            match groups.first_mut() {
                Some((_, with)) => with.extend(checks),
                None => groups.push((columns, checks)),
            }
        }
        let part = |(_, checks): (_, Vec<Placed>)| {
            let mut part =
                Self { judges: vec![], states: vec![], settings: self.settings.clone(), broken: self.broken };
            let mut places = Vec::new();
            for (place, judge, state) in checks {
                places.push(place);
                part.judges.push(judge);
                part.states.push(state);
            }
            (places, part)
        };
        let parts = groups.into_iter().map(part).collect();
        (self, parts)
    }

    /// What was taken [apart](Self::apart), together again.
    #[cfg(feature = "parquet")]
    pub(crate) fn together(mut self, parts: Vec<(Vec<usize>, Self)>) -> Result<Self, CheckError> {
        let mut all = Vec::new();
        for (places, part) in parts {
            part.whole()?;
            all.extend(places.into_iter().zip(part.judges.into_iter().zip(part.states)));
        }
        all.sort_by_key(|(place, _)| *place);
        (self.judges, self.states) = all.into_iter().map(|(_, held)| held).unzip();
        Ok(self)
    }

    /// Whether keys are held.
    #[cfg(feature = "parquet")]
    pub(crate) fn has_keys(&self) -> bool {
        self.states.iter().any(|state| matches!(state.held, Held::Keys(_)))
    }

    fn outcome(&self, check: &Check, state: &State) -> Result<Outcome, CheckError> {
        let (tally, lags) = match &state.held {
            Held::Rows => {
                let fits = matches!(check.rule, Rule::Rows { least, most }
                    if state.rows >= least && most.is_none_or(|most| state.rows <= most));
                (Tally { good: u64::from(fits), of: 1, examples: Vec::new() }, None)
            }
            Held::Tally(tally) => (tally.clone(), None),
            Held::Ages(tally, lags) => (tally.clone(), Some(lags.clone())),
            Held::Keys(keys) => (keys.tally(&self.settings)?, None),
        };
        Ok(Outcome {
            check: check.name.clone(),
            cause: check.rule.cause(),
            columns: check.rule.columns().into_iter().map(str::to_owned).collect(),
            rows: state.rows,
            good: tally.good,
            of: tally.of,
            at_least: check.at_least,
            examples: tally.examples,
            lags,
        })
    }
}
