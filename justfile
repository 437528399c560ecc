# Lists the recipes.
default:
    @just --list

# What CI runs, on this machine.
check:
    bash .ci/run

# The README's test command.
test:
    cargo test

# The main job.
quickstart:
    cargo run --release -p quickstart

# Formatting, as CI checks it.
fmt:
    cargo fmt --all

# Lints, as CI checks them.
clippy:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Documentation, as CI checks it.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps --locked

# Kills the quickstart a hundred times.
crash:
    cargo test -p quickstart --test crash --locked -- --nocapture

# Licences, bans and sources of dependencies (needs cargo-deny).
deny:
    cargo deny check bans licenses sources

# Kills the engine on SQLite at every system call, and takes its power away.
crash-enum *options:
    cargo run --release --locked -p accordant-crash -- {{options}}

# Runs every fuzz target for a minute.
fuzz seconds="60":
    .ci/proofs/fuzz {{seconds}}

# The lines of the pure modules that tests run.
coverage:
    .ci/proofs/coverage

# Instructions of the hot stages, beside those on record (valgrind).
instructions *options:
    .ci/proofs/instructions {{options}}
