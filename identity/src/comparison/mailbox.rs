//! A mailbox with its domain, and the website: what two of them say of the site is one thing.

use smallvec::SmallVec;

use super::{Agreement, Level, Part, Said, View, nothing};
use crate::dictionary::NONE;
use crate::layout::{Layout, Role};
use crate::similarity::within_edits;

/// Mailbox, its domain if it is not one where everybody has a mailbox, and website.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mailbox {
    mailbox: usize,
    domain: usize,
    website: Option<usize>,
    site: usize,
}

/// Local parts that belong to an office, not to a person.
const OFFICES: [&[u8]; 20] = [
    b"info",
    b"office",
    b"billing",
    b"accounts",
    b"ap",
    b"sales",
    b"hello",
    b"admin",
    b"contact",
    b"mail",
    b"support",
    b"service",
    b"accounting",
    b"finance",
    b"invoices",
    b"kontakt",
    b"team",
    b"orders",
    b"enquiries",
    b"hr",
];

impl Mailbox {
    pub(super) fn of(layout: &Layout) -> Option<Self> {
        Some(Self {
            mailbox: layout.field(Role::Mailbox)?,
            domain: layout.mail_domain?,
            website: layout.website,
            site: layout.site?,
        })
    }

    pub(super) fn levels(&self) -> Vec<Level> {
        let field = |field: usize| u8::try_from(field).ok();
        let part = |role, agreement, level, same| Part { role, agreement, component: (0, level), same };
        let of =
            |name: &str, group, parts: &[Part]| Level { name: name.into(), group, parts: SmallVec::from_slice(parts) };
        let mailbox = |agreement, level, same| part(Role::Mailbox, agreement, level, same);
        let site = |agreement, level, same| part(Role::Site, agreement, level, same);
        let (mail, domain) = (field(self.mailbox), field(self.site));
        vec![
            nothing(),
            of("same mailbox", 1, &[mailbox(Agreement::Exact, 1, mail), site(Agreement::Exact, 1, None)]),
            of("same name at another provider", 1, &[mailbox(Agreement::Near, 2, None)]),
            of("mailbox alike", 1, &[mailbox(Agreement::Near, 3, None), site(Agreement::Near, 3, None)]),
            of(
                "other mailbox of the same domain",
                1,
                &[mailbox(Agreement::Differ, 4, None), site(Agreement::Exact, 4, domain)],
            ),
            of(
                "other mailbox of another domain",
                1,
                &[mailbox(Agreement::Differ, 5, None), site(Agreement::Differ, 5, None)],
            ),
            of("other mailbox, both private", 1, &[mailbox(Agreement::Differ, 6, None)]),
            of("same domain", 2, &[site(Agreement::Exact, 7, domain)]),
            of("other domain", 2, &[site(Agreement::Differ, 8, None)]),
            of("other mailbox, one of them private", 1, &[mailbox(Agreement::Differ, 9, None)]),
        ]
    }

    pub(super) fn level(&self, view: View<'_>, a: Said<'_>, b: Said<'_>) -> u8 {
        let (left, right) = (a[self.mailbox], b[self.mailbox]);
        let both = left != NONE && right != NONE;
        if both && left == right {
            return 1;
        }
        let domains = |row: Said<'_>| [row[self.domain], self.website.map_or(NONE, |field| row[field])];
        let (of_a, of_b) = (domains(a), domains(b));
        let known = a[self.site] != NONE && b[self.site] != NONE;
        let same = of_a.iter().any(|domain| *domain != NONE && of_b.contains(domain));
        if !both {
            return match (known, same) {
                (false, _) => 0,
                (true, true) => 7,
                (true, false) => 8,
            };
        }
        let private = if a[self.site] == NONE && b[self.site] == NONE { 6 } else { 9 };
        let other = match (known, same) {
            (_, true) => 4,
            (true, false) => 5,
            (false, false) => private,
        };
        let (x, y) = view.signatures(self.mailbox, a, b);
        // Two mailboxes of one domain have two names.
        let one_domain = a[self.domain] != NONE && a[self.domain] == b[self.domain];
        if !x.may_be_within_edits(y, 1) && (one_domain || !x.may_begin_as(y)) {
            return other;
        }
        let (left, right) = (view.bytes(self.mailbox, left), view.bytes(self.mailbox, right));
        let (local_a, local_b) = (local(left), local(right));
        if local_a == local_b {
            // One letter of the domain is a slip; another domain is another provider.
            let slip = within_edits(left, right, 1);
            return match (slip, same, local_a.len() >= 4 && !OFFICES.contains(&local_a)) {
                (true, _, _) => 3,
                (false, false, true) => 2,
                (false, ..) => other,
            };
        }
        let offices = OFFICES.contains(&local_a) || OFFICES.contains(&local_b);
        if !offices && left.len().min(right.len()) >= 8 && within_edits(left, right, 1) {
            return 3;
        }
        other
    }
}

fn local(mailbox: &[u8]) -> &[u8] {
    mailbox.iter().rposition(|byte| *byte == b'@').map_or(mailbox, |at| &mailbox[..at])
}
