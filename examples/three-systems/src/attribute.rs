//! What of a customer drifts, where the three systems keep it, and whose word counts. It is said here once more, beside the
//! model, because whoever judges a run should not ask what is judged.

/// The systems, by the names of their connections.
pub const SYSTEMS: [&str; 3] = ["hubspot", "shopify", "netsuite"];

/// Where a system keeps the address by which a customer is known, in the shape that it answers with.
#[must_use]
pub fn email_path(system: &str) -> &'static str {
    match system {
        "hubspot" => "properties.email",
        "shopify" => "defaultEmailAddress.emailAddress",
        _ => "email",
    }
}

/// Something of a customer that drifts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    /// First name.
    First,
    /// Last name.
    Last,
    /// The number to call.
    Phone,
    /// The mobile number.
    Mobile,
    /// How far the relation is.
    Status,
    /// What they owe.
    Balance,
    /// House number and street, of an address that is one value.
    Street,
}

/// How soon somebody should know that a value is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Money.
    High,
    /// How to reach somebody.
    Medium,
    /// What they are called, and how far they are.
    Low,
}

impl Priority {
    /// All of them, the highest first.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::High => "high: money",
            Self::Medium => "medium: how to reach them",
            Self::Low => "low: names, status",
        }
    }
}

/// How the two systems that keep it spell how far a relation is: HubSpot, NetSuite.
pub const STATUS: [(&str, &str); 3] =
    [("lead", "LEAD-Qualified"), ("customer", "CUSTOMER-Closed Won"), ("former_customer", "CUSTOMER-Lost Customer")];

impl Attribute {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::First, Self::Last, Self::Phone, Self::Mobile, Self::Status, Self::Balance, Self::Street];

    /// The unit of the model that it is, or is a part of.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::First => "first_name",
            Self::Last => "last_name",
            Self::Phone => "phone",
            Self::Mobile => "mobile",
            Self::Status => "status",
            Self::Balance => "balance",
            Self::Street => "address",
        }
    }

    /// Where a system keeps it, in the shape that it answers with; `None`: it does not.
    #[must_use]
    pub fn path(self, system: &str) -> Option<&'static str> {
        let [hubspot, shopify, netsuite] = match self {
            Self::First => ["properties.firstname", "firstName", "firstname"],
            Self::Last => ["properties.lastname", "lastName", "lastname"],
            Self::Phone => ["properties.phone", "defaultPhoneNumber.phoneNumber", "phone"],
            Self::Mobile => ["properties.mobilephone", "", "mobilephone"],
            Self::Status => ["properties.customer_status", "", "entitystatus"],
            Self::Balance => ["properties.balance", "", "balance"],
            Self::Street => ["properties.address", "defaultAddress.address1", "addr1"],
        };
        let path = match system {
            "hubspot" => hubspot,
            "shopify" => shopify,
            _ => netsuite,
        };
        (!path.is_empty()).then_some(path)
    }

    /// The systems that keep it.
    pub fn places(self) -> impl Iterator<Item = &'static str> {
        SYSTEMS.into_iter().filter(move |system| self.path(system).is_some())
    }

    /// Whether what a system says of it may become true.
    #[must_use]
    pub fn decides(self, system: &str) -> bool {
        match self {
            Self::Phone => system == "hubspot",
            Self::Balance => system == "netsuite",
            _ => self.path(system).is_some(),
        }
    }

    /// How soon somebody should know that it is wrong.
    #[must_use]
    pub const fn priority(self) -> Priority {
        match self {
            Self::Balance => Priority::High,
            Self::Phone | Self::Mobile | Self::Street => Priority::Medium,
            Self::First | Self::Last | Self::Status => Priority::Low,
        }
    }

    /// A value, as a system spells what another one spells its own way.
    #[must_use]
    pub fn spelled(self, value: &str, system: &str) -> String {
        let same = |(hubspot, netsuite): &&(&str, &str)| value == *hubspot || value == *netsuite;
        match STATUS.iter().find(same) {
            Some((hubspot, netsuite)) if self == Self::Status => {
                if system == "hubspot" { *hubspot } else { *netsuite }.to_owned()
            }
            _ => value.to_owned(),
        }
    }
}
