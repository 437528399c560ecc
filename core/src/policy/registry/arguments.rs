//! The parameters of a policy, read by its maker; what is wrong is collected.

use crate::policy::registry::{Parameter, PolicyMistake, PolicySpec};
use crate::policy::suggest::nearest;

/// Reads parameters one by one. Each question makes the parameter known; [`Arguments::finish`] refuses all others.
#[derive(Debug)]
pub(crate) struct Arguments<'s> {
    spec: &'s PolicySpec,
    known: Vec<&'static str>,
    mistakes: Vec<PolicyMistake>,
}

impl<'s> Arguments<'s> {
    pub(crate) fn of(spec: &'s PolicySpec) -> Self {
        Self { spec, known: Vec::new(), mistakes: Vec::new() }
    }

    fn take(&mut self, name: &'static str) -> Option<&'s Parameter> {
        self.known.push(name);
        self.spec.parameters.get(name)
    }

    pub(crate) fn refuse(&mut self, parameter: &str, problem: impl Into<String>) {
        let (policy, parameter) = (self.spec.name.clone(), parameter.to_owned());
        self.mistakes.push(PolicyMistake::Parameter { policy, parameter, problem: problem.into() });
    }

    /// A list of systems that must be given, and not empty.
    pub(crate) fn systems(&mut self, name: &'static str) -> Vec<&'s str> {
        let expected = "expected a list of systems: [\"netsuite\", \"hubspot\"]";
        let Some(Parameter::List(items)) = self.take(name) else {
            self.refuse(name, expected);
            return Vec::new();
        };
        let mut systems: Vec<&str> = Vec::new();
        for item in items {
            match item {
                Parameter::Text(system) if systems.contains(&system.as_str()) => {
                    self.refuse(name, format!("`{system}` is named twice, so the order is not clear"));
                }
                Parameter::Text(system) => systems.push(system),
                other => self.refuse(name, format!("{expected}, found {} in it", other.what())),
            }
        }
        if items.is_empty() {
            self.refuse(name, expected);
        }
        systems
    }

    /// A table from systems to numbers that must be given, and not empty.
    pub(crate) fn table(&mut self, name: &'static str) -> Vec<(&'s str, u32)> {
        let expected = "expected a number for each system: { netsuite = 90, hubspot = 70 }";
        let entries = match self.take(name) {
            Some(Parameter::Table(entries)) if !entries.is_empty() => entries,
            _ => {
                self.refuse(name, expected);
                return Vec::new();
            }
        };
        let mut table = Vec::new();
        for (system, number) in entries {
            match number {
                Parameter::Number(number) if u32::try_from(*number).is_ok() => {
                    table.push((system.as_str(), u32::try_from(*number).unwrap_or_default()));
                }
                Parameter::Number(number) => self.refuse(name, format!("`{system}` has {number}: out of range")),
                other => self.refuse(name, format!("{expected}, found {} for `{system}`", other.what())),
            }
        }
        table
    }

    /// A whole number that may be left out.
    pub(crate) fn number(&mut self, name: &'static str) -> Option<u32> {
        match self.take(name)? {
            Parameter::Number(number) => match u32::try_from(*number) {
                Ok(number) => return Some(number),
                Err(_) => self.refuse(name, format!("{number} is out of range")),
            },
            other => self.refuse(name, format!("expected a whole number, found {}", other.what())),
        }
        None
    }

    /// Everything that was wrong, parameters that nobody asked for included.
    pub(crate) fn finish(mut self) -> Vec<PolicyMistake> {
        for name in self.spec.parameters.keys().filter(|name| !self.known.contains(&name.as_str())) {
            if self
                .mistakes
                .iter()
                .any(|mistake| matches!(mistake, PolicyMistake::Parameter { parameter, .. } if parameter == name))
            {
                continue;
            }
            let mut problem = "no such parameter".to_owned();
            if let Some(meant) = nearest(name, self.known.iter().copied()) {
                problem.push_str(&format!("; did you mean `{meant}`?"));
            }
            problem.push_str(&match self.known.as_slice() {
                [] => " (it takes none in a file)".to_owned(),
                known => format!(" (known: {})", known.join(", ")),
            });
            let (policy, parameter) = (self.spec.name.clone(), name.clone());
            self.mistakes.push(PolicyMistake::Parameter { policy, parameter, problem });
        }
        self.mistakes
    }
}
